"""With a pack: the broken link of that host and share, in words, and what mends it."""

import json
from dataclasses import replace

import pytest

from tests import worlds
from tests.diagnosis import samples
from tests.diagnosis.samples import diagnosed
from tests.simulate import simulate
from tests.worlds import cifs, conforming
from vmmaudit.assessment import Ternary
from vmmaudit.audit import demo
from vmmaudit.audit import diagnosed as from_files
from vmmaudit.diagnosis.answer import State
from vmmaudit.errors import UsageError
from vmmaudit.judge import judge

DEMO = demo().assessment


def refused(host: str, library: str = "library01", file: str = "en_windows_server_2008_r2.iso"):
    return (
        f"Error (12700)\nVMM cannot complete the host operation on the {host} server because of "
        f"the error: x\n'Web': User account does not have permission required to open attachment "
        rf"'\\{library}\MSSCVMMLibrary\ISOs\{file}'. (0x80070005)"
    )


def answer(text: str, assessment=DEMO):
    (cause,) = diagnosed(text, assessment).causes
    return cause.answer


def test_the_missing_delegation_is_found():
    found = answer(refused("hyper02.contoso.com", "library02.contoso.com"))
    assert found.state is State.BROKEN
    assert [j.control for j in found.causes] == ["DEL-01"]
    assert not found.other_name
    assert found.readable is None  # the pack has no such file in that library


def test_a_short_name_is_found_and_named():
    found = answer(refused("HYPER02", "Library02"))
    assert [j.control for j in found.causes] == ["DEL-01"]
    assert found.other_name


def test_a_protected_account_is_found():
    assert [j.control for j in answer(refused("hyper06", "library01.contoso.com")).causes] == [
        "ACC-06"
    ]


def test_the_computer_account_is_looked_up_by_its_own_controls():
    found = answer(samples.MACHINE)
    assert [j.control for j in found.causes] == ["PRM-01", "PRM-04"]
    assert found.readable is Ternary.NO


def test_permissions_do_not_explain_a_refusal_of_a_file_that_may_be_read():
    text = samples.MACHINE.replace("HYPER07", "HYPER02")  # denied on Prüfung_ä.iso alone
    found = answer(text)
    assert found.readable is Ternary.YES
    assert found.causes == ()
    assert [j.control for j in found.besides] == ["PRM-04", "PRM-09"]
    assert found.state is State.BROKEN
    denied = answer(text.replace("en_windows_server_2008_r2.iso", "Prüfung_ä.iso"))
    assert denied.readable is Ternary.NO
    assert [j.control for j in denied.causes] == ["PRM-04", "PRM-09"]


def test_configured_but_not_restarted():
    found = answer(refused("hyper04", "library01.contoso.com"))
    assert [j.control for j in found.causes] == ["HST-01"]


def test_what_could_not_be_assessed_is_not_ruled_out():
    found = answer(refused("hyper05", "library02.contoso.com"))
    assert found.state is State.NOT_IN_FORCE
    assert [j.control for j in found.open] == ["HST-01"]


def test_nothing_wrong_is_said_too():
    evidence, scope = simulate(conforming())
    good = judge(evidence, scope)
    found = answer(refused("hyper01", "library01.contoso.com"), good)
    assert (found.state, found.causes) == (State.READY, ())


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (refused("hyper99"), State.NO_HOST),
        (refused("hyper01", "elsewhere"), State.NO_SHARE),
        (refused("hyper01").replace("MSSCVMMLibrary", "Other"), State.NO_SHARE),
        (refused("hyper01").replace(r"\\library01", r"C:\library01"), State.NO_FILE),
    ],
)
def test_what_the_pack_does_not_know_is_said(text: str, state: State):
    assert answer(text).state is state


def test_where_the_pack_does_not_know_the_share_the_controls_to_look_at_are_named():
    said = str(diagnosed(refused("hyper01", "elsewhere"), DEMO))
    assert "Look at, in this order: DEL-01" in said
    assert "Look at" not in str(diagnosed(refused("hyper06", "library01.contoso.com"), DEMO))


def test_a_name_that_fits_two_hosts_is_not_decided():
    entries = tuple(
        replace(pair, host="hyper01.other.com") if pair.host.startswith("hyper03") else pair
        for pair in DEMO.readiness
    )
    both = replace(DEMO, readiness=entries)
    assert answer(refused("hyper01"), both).state is State.NO_HOST
    assert answer(refused("hyper01.contoso.com", "library01"), both).state is not State.NO_HOST


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "delegation list of CONTOSO\\HYPER02$ does not contain cifs/library02.contoso.com"),
        ("de", "Delegierungsliste von CONTOSO\\HYPER02$ enthält cifs/library02.contoso.com nicht"),
    ],
)
def test_the_answer_in_words_with_the_fix(language: str, said: str):
    text = str(from_files(language=language))
    assert said in " ".join(text.split())
    assert "(DEL-01)" in text
    assert "Set-ADComputer -Identity 'HYPER02$'" in text
    assert "14:56:38" in text
    assert "{{" not in text


@pytest.mark.parametrize(
    ("language", "headline", "finding"),
    [
        (
            "en",
            "Error 12700 on HYPER01.contoso.com for Contoso-DC at 23 Sept, 14:56:38",
            r"The delegation list of CONTOSO\HYPER01$ does not contain cifs/contoso-vmm. (DEL-01)",
        ),
        (
            "de",
            "Fehler 12700 auf HYPER01.contoso.com für Contoso-DC, 23. Sept., 14:56:38",
            r"Die Delegierungsliste von CONTOSO\HYPER01$ enthält cifs/contoso-vmm nicht. (DEL-01)",
        ),
    ],
)
def test_the_seeds_own_trace_ends_in_the_answer(language: str, headline: str, finding: str):
    """The trace of 2009 beside a site like it: host, file, broken link, remedy."""
    site = conforming()
    library = worlds._library("CONTOSO-VMM", ("en_windows_server_2008_r2.iso",))
    site = replace(site, libraries=(replace(library, unc_name="Contoso-VMM"),))
    for host in worlds.HOSTS:
        targets = cifs("LIBRARY01") if host == "HYPER01" else cifs("CONTOSO-VMM")
        site = site.with_host(host, delegate_to=targets)
    found = diagnosed(samples.T1, judge(*simulate(site)), language)
    (cause,) = found.causes
    assert cause.answer.state is State.BROKEN
    assert not cause.answer.other_name
    assert cause.answer.readable is Ternary.YES  # in spite of the blank in the trace's path
    text = str(found)
    assert headline in text
    assert finding in text
    assert "Set-ADComputer -Identity 'HYPER01$'" in text
    assert "cifs/contoso-vmm" in text


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_sample_can_be_said(language: str):
    for text in (
        *(samples.JOB, samples.T1, samples.T2, samples.T3, samples.T4, samples.T5, samples.T6),
        *(samples.T7, samples.BARE, samples.MACHINE, samples.POWERSHELL, refused("hyper05")),
        *(refused("hyper02", "LIBRARY02"), "Error (99999)\nx (0x80074321) (0x8abc1234)", "nothing"),
        "Error (99998)\nx (0x8abc1234)",
    ):
        for assessment in (None, DEMO):
            found = diagnosed(text, assessment, language)
            assert "{{" not in str(found)
            assert f"<div lang='{language}' class='vmmaudit-explore" in found._repr_html_()
            assert len(found.to_frame()) == len(found.timeline)
            json.dumps(found.data())


def test_hostile_names_stay_harmless():
    hostile = "<script>alert(1)</script>\u202e\x1b[31m"
    found = diagnosed(samples.MACHINE.replace("Web-01", hostile), DEMO)
    assert "<script>" not in found._repr_html_()
    assert "\x1b" not in str(found)
    assert "\u202e" not in str(found)


def test_an_unknown_language_is_refused():
    with pytest.raises(UsageError, match="choose from de, en"):
        from_files(language="fr")
