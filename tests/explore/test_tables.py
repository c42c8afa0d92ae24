"""The tables say what was read, and nothing that was not."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from tests import worlds
from tests.simulate import scope_text, simulate
from tests.variants import VARIANTS
from vmmaudit.assessment import Ternary, Verdict
from vmmaudit.audit import Audit, demo
from vmmaudit.controls.texts import Texts, languages
from vmmaudit.evidence import Evidence, Gap, Reason
from vmmaudit.explore import Exploration
from vmmaudit.explore.matrix import Matrix
from vmmaudit.explore.shown import Table

NAMES = ("hosts", "libraries", "accounts", "groups", "descriptors", "delegations", "verdicts")
WORLDS = {variant.name: variant.world for variant in VARIANTS}


def explored(world: worlds.World, language: str = "en") -> Exploration:
    evidence, scope = simulate(world)
    return Exploration(Audit("test", scope_text(world), scope, evidence), Texts.load(language))


def blind(exploration: Exploration) -> Exploration:
    """The same where every question was refused."""
    old = exploration.audit
    gaps = {question: Gap(Reason.ACCESS_DENIED, "Refused.") for question in old.evidence.answers}
    evidence: Evidence = replace(old.evidence, answers={}, gaps=gaps)
    return Exploration(replace(old, evidence=evidence), exploration.texts)


@pytest.fixture(scope="module")
def site() -> Exploration:
    return Exploration(demo(), Texts.load("en"))


def row(table: Table, **wanted: object) -> pd.Series:
    frame = table.to_frame()
    for key, value in wanted.items():
        frame = frame[frame[key] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_a_host_is_told_with_its_identities_and_its_readiness(site: Exploration):
    found = row(site.hosts, host="hyper07.contoso.com")
    assert found["computer"] == r"CONTOSO\HYPER07$"
    assert found["account"] == r"CONTOSO\service.vmm"
    assert (found["ready"], found["first_broken"]) == (Ternary.NO, "PRM-01")
    assert (found["targets"], found["any_protocol"]) == (4, True)
    assert found["started"] == "2026-09-12 04:00"


def test_a_library_is_told_with_its_content(site: Exploration):
    found = row(site.libraries, server="library01.contoso.com")
    assert (found["images"], found["unlisted"], found["share_entries"]) == (2, 0, 3)
    assert found["spn_owner"] == r"CONTOSO\LIBRARY01$"
    assert found["hosts_ready"] == 2
    assert found["problem"] == ""


def test_an_account_is_told_with_its_role(site: Exploration):
    assert row(site.accounts, account=r"CONTOSO\service.vmm")["role"] == "VMM account"
    sensitive = row(site.accounts, account=r"CONTOSO\run.as")
    assert not sensitive["delegatable"]
    assert site.accounts.to_frame()["sid"].is_unique


def test_groups_are_told_with_members_and_local_groups_with_them(site: Exploration):
    hosts = row(site.groups, group=r"CONTOSO\GG_HyperV_Hosts")
    assert r"CONTOSO\HYPER01$" in hosts["members"]
    assert r"HYPER07" not in hosts["members"]
    assert hosts["member_of"] == r"CONTOSO\DL_VMMLib_R"
    local = row(site.groups, group=r"LIBRARY01\Administrators")
    assert local["members"] == r"CONTOSO\Domain Admins"


def test_descriptors_are_told_once_with_the_number_of_their_carriers(site: Exploration):
    frame = site.descriptors.to_frame()
    denied = frame[frame["effect"] == "denies"]
    assert list(denied["trustee"]) == [r"CONTOSO\HYPER02$"]
    assert list(denied["path"]) == [r"ISOs\Prüfung_ä.iso"]
    ntfs = frame[(frame["layer"] == "NTFS") & (frame["share"].str.contains("library01"))]
    tree = site.audit.facts.servers.descriptors(site.audit.scope.libraries[0])
    carriers = ntfs.drop_duplicates("digest")["carriers"]
    assert sum(carriers) == sum(len(paths) for _, paths in tree)


def test_delegations_tell_needed_and_listed_apart(site: Exploration):
    missing = row(site.delegations, host="hyper02.contoso.com", target="cifs/library02.contoso.com")
    assert (missing["listed"], missing["needed"], missing["state"]) == (False, True, Ternary.NO)
    short = row(site.delegations, host="hyper02.contoso.com", target="cifs/LIBRARY01")
    assert (short["listed"], short["needed"]) == (True, False)
    assert short["owner"] == r"CONTOSO\LIBRARY01$"
    kerberos = row(
        site.delegations, host="hyper03.contoso.com", target="cifs/library01.contoso.com"
    )
    assert "Kerberos only" in kerberos["why"]


def test_every_verdict_has_its_sentence(site: Exploration):
    assert len(site.verdicts) == len(site.audit.assessment.verdicts)
    assert all(site.to_frame()["why"])
    assert site.to_frame()["verdict"].iloc[0] is Verdict.FAIL
    assert site.verdicts.in_words()["Verdict"].iloc[0] == "✗ not met"


@pytest.mark.parametrize("name", WORLDS)
def test_every_world_can_be_shown_in_every_language(name: str):
    for language in languages():
        site = explored(WORLDS[name], language)
        for table in NAMES:
            shown: Table = getattr(site, table)
            assert len(shown.in_words()) == len(shown)
            assert shown._repr_html_().count("<table") == 1
        assert site.matrix._repr_html_()
        assert site._repr_html_()


def test_what_was_not_read_is_not_there_and_nothing_breaks():
    site = blind(explored(worlds.conforming()))
    hosts = site.hosts.to_frame()
    assert hosts["started"].isna().all()
    assert hosts["targets"].isna().all()
    assert set(hosts["ready"]) == {Ternary.UNKNOWN}
    assert site.libraries.to_frame()["images"].isna().all()
    for name in NAMES:
        assert getattr(site, name)._repr_html_()


def test_columns_are_the_same_in_every_language_and_headings_are_not():
    german, english = (explored(worlds.conforming(), language) for language in ("de", "en"))
    for name in NAMES:
        one, other = getattr(german, name), getattr(english, name)
        assert list(one.to_frame()) == list(other.to_frame())
        assert len(set(one.in_words().columns)) == len(one.to_frame().columns)
    assert "Konto" in german.hosts.in_words()


def test_a_frame_is_a_copy(site: Exploration):
    frame = site.hosts.to_frame()
    frame["host"] = "changed"
    assert "changed" not in set(site.hosts.to_frame()["host"])


def test_the_matrix_has_the_worst_first_and_shows_what_breaks(site: Exploration):
    frame = site.matrix.to_frame()
    assert frame.shape == (7, 2)
    assert frame.index[0] == "hyper02.contoso.com"
    assert frame.index[-1] == "hyper01.contoso.com"
    assert list(frame.loc["hyper01.contoso.com"]) == ["good", "good"]
    assert "<td class='bad'" in site.matrix.markup()
    assert "PRM-01" in site.matrix.markup()


def test_a_long_matrix_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch, site: Exploration):
    monkeypatch.setattr("vmmaudit.explore.matrix._HOSTS", 3)
    markup = Matrix(site.audit.assessment, site.texts).markup()
    assert "hyper01" not in markup
    assert "4 more hosts" in markup
