"""NET-01 to NET-06, SVC-03 and DEL-09."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests import stubs
from tests.controls.test_env_support import of, outcomes
from tests.controls.test_ops import VMM, outcome, told
from tests.simulate import scope_of, simulate, without
from tests.worlds import DOMAIN, MOMENT, SHARE, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.del_09 import DEL_09
from vmmaudit.controls.net_01 import NET_01
from vmmaudit.controls.net_02 import NET_02
from vmmaudit.controls.net_03 import NET_03
from vmmaudit.controls.net_04 import NET_04
from vmmaudit.controls.net_05 import NET_05
from vmmaudit.controls.net_06 import NET_06
from vmmaudit.controls.svc_03 import SVC_03
from vmmaudit.evidence import Answer, Question, Reason, Row
from vmmaudit.judge import judge
from vmmaudit.scope import Host, Library
from vmmaudit.windows.descriptor import Ace, encode

GOOD = conforming()
HOST = f"hyper01.{DOMAIN}"
LIBRARY = f"library01.{DOMAIN}"
LIB = rf"\\library01.{DOMAIN}\{SHARE.lower()}"


def answered(evidence, question, **values):
    row = Row("", {key: (value,) for key, value in values.items()})
    answer = Answer((row,), question.server, evidence.origin.moment)
    return replace(evidence, answers={**evidence.answers, question: answer})


def test_the_usual_port_and_another():
    assert of(NET_01, subject=VMM).verdict is Verdict.PASS
    found = of(NET_01, replace(GOOD, bits_port=8443), VMM)
    assert (found.verdict, found.code) == (Verdict.WARN, "UNUSUAL_PORT")


def test_a_port_that_was_not_read():
    evidence, scope = simulate(GOOD)
    asked = questions.registry(VMM, *questions.BITS_OF_SERVER)
    found = outcomes(NET_01, without(evidence, asked), scope)[VMM]
    assert found.verdict is Verdict.NOT_ASSESSABLE
    asked = questions.registry(LIBRARY, *questions.BITS_OF_AGENT)
    found = outcomes(NET_01, without(evidence, asked), scope)[VMM]
    assert found.verdict is Verdict.NOT_ASSESSABLE


def test_an_agent_with_another_port():
    evidence, scope = simulate(GOOD)
    asked = questions.registry(LIBRARY, *questions.BITS_OF_AGENT)
    other = answered(evidence, asked, reply=stubs.registry_value(8443))
    found = outcomes(NET_01, other, scope)[VMM]
    assert (found.verdict, found.code) == (Verdict.WARN, "PORTS_DIFFER")


def reaching(**opened):
    evidence, _ = simulate(GOOD)
    for server, value in opened.items():
        question = questions.reach(HOST, f"{server}.{DOMAIN}", 445)
        evidence = answered(evidence, question, open=value)
    return outcome(NET_02, evidence, HOST)


def test_only_the_host_can_say():
    assert of(NET_02, subject=HOST).code == "ONLY_THE_HOST"
    assert reaching(library01=b"true").code == "ONLY_THE_HOST"
    assert reaching(library01=b"true", library02=b"true").verdict is Verdict.PASS
    closed = reaching(library01=b"true", library02=b"false")
    assert (closed.verdict, closed.code) == (Verdict.WARN, "CLOSED")


def test_a_host_that_is_the_library():
    scope = scope_of(GOOD, hosts=(Host(name=LIBRARY),), libraries=(Library(share=LIB),))
    found = outcomes(NET_02, simulate(GOOD, scope=scope)[0], scope)[LIBRARY]
    assert (found.verdict, found.code) == (Verdict.NOT_APPLICABLE, "LOCAL")


def test_names():
    assert of(NET_03, subject=LIB).verdict is Verdict.PASS
    other = GOOD.with_library("LIBRARY01", unc_name=f"iso.{DOMAIN}")
    subject = rf"\\iso.{DOMAIN}\{SHARE.lower()}"
    assert of(NET_03, other, subject).code == "OTHER_NAME"
    alias = other.with_library("LIBRARY01", extra_spns=(f"cifs/iso.{DOMAIN}",))
    found = of(NET_03, alias, subject)
    assert found.verdict is Verdict.PASS
    assert [remark.code for remark in found.remarks] == ["ALIAS", "NOT_RESOLVED"]
    assert [remark.code for remark in of(NET_03, subject=LIB).remarks] == ["RESOLVED_HERE"]


def test_a_name_without_an_address():
    evidence, scope = simulate(GOOD)
    asked = questions.smb_server(LIBRARY)
    gone = without(evidence, asked, Reason.UNRESOLVABLE)
    assert outcomes(NET_03, gone, scope)[LIB].code == "UNRESOLVED"
    refused = outcomes(NET_03, without(evidence, asked), scope)[LIB]
    assert (refused.verdict, refused.remarks[0].code) == (Verdict.PASS, "NOT_RESOLVED")


@pytest.mark.parametrize(
    ("seconds", "code"), [(299, ""), (-299, ""), (300, "CLOCK_SKEW"), (-4000, "CLOCK_SKEW")]
)
def test_clocks_that_differ(seconds: int, code: str):
    evidence, scope = simulate(GOOD)
    time = stubs.time_of_day(MOMENT + timedelta(seconds=seconds), 1)
    found = outcomes(NET_03, answered(evidence, questions.clock(LIBRARY), reply=time), scope)[LIB]
    assert found.code == code
    assert found.verdict is (Verdict.WARN if code else Verdict.PASS)
    if code:
        assert found.values["seconds"] == abs(seconds)


@pytest.mark.parametrize("asked", [questions.clock(LIBRARY), questions.root_dse(DOMAIN)])
def test_a_clock_that_was_not_read_says_nothing(asked: Question):
    evidence, scope = simulate(GOOD)
    assert outcomes(NET_03, without(evidence, asked), scope)[LIB].verdict is Verdict.PASS
    mad = answered(evidence, asked, reply=b"x", currentTime=b"noon")
    assert outcomes(NET_03, mad, scope)[LIB].verdict is Verdict.PASS


def test_an_address_and_an_unknown_server():
    share = r"\\192.0.2.7\MSSCVMMLibrary"
    scope = scope_of(GOOD, libraries=(Library(share=share, server=LIBRARY),))
    found = outcomes(NET_03, simulate(GOOD, scope=scope)[0], scope)[share.lower()]
    assert (found.verdict, found.code) == (Verdict.WARN, "ADDRESS")
    evidence, plain = simulate(GOOD)
    refused = without(evidence, questions.computer(DOMAIN, LIBRARY))
    assert outcomes(NET_03, refused, plain)[LIB].verdict is Verdict.NOT_ASSESSABLE


def test_esx_always_copies():
    scope = scope_of(GOOD, hosts=(Host(name="esx01.contoso.com", platform="esx"),))
    found = outcomes(NET_04, simulate(GOOD, scope=scope)[0], scope)["esx01.contoso.com"]
    assert (found.verdict, found.code) == (Verdict.NOT_APPLICABLE, "ALWAYS_COPIED")
    assert outcomes(NET_04, *simulate(GOOD)) == {}


ESX = Host(name="esx01.contoso.com", platform="esx")


@pytest.mark.parametrize(
    ("sftp", "https", "verdict", "code"),
    [
        (b"true", b"true", Verdict.PASS, ""),
        (b"false", b"true", Verdict.WARN, "SFTP_CLOSED"),
        (b"true", b"false", Verdict.FAIL, "HTTPS_CLOSED"),
        (None, b"false", Verdict.FAIL, "HTTPS_CLOSED"),
        (b"true", None, Verdict.NOT_ASSESSABLE, "ONLY_VMM"),
        (None, None, Verdict.NOT_ASSESSABLE, "ONLY_VMM"),
    ],
)
def test_ports_to_esx_as_vmm_tried_them(sftp, https, verdict, code):
    scope = scope_of(GOOD, hosts=(ESX,))
    evidence, _ = simulate(GOOD, scope=scope)
    for port, is_open in ((22, sftp), (443, https)):
        question = questions.reach(VMM, ESX.name, port)
        assert question in evidence.gaps, "it is asked, and only VMM can tell"
        if is_open is not None:
            evidence = answered(evidence, question, open=is_open)
    found = outcomes(NET_04, evidence, scope)
    assert found.keys() == {ESX.name, f"{VMM} -> {ESX.name}"}
    told = found[f"{VMM} -> {ESX.name}"]
    assert (told.verdict, told.code) == (verdict, code)


def test_sharing_does_not_concern_esx():
    """Not applicable where it is spoken of at all, but for the ports that VMM has to reach."""
    hosts = (*scope_of(GOOD).hosts, ESX)
    scope = scope_of(GOOD, hosts=hosts)
    evidence, _ = simulate(GOOD, scope=scope)
    found = judge(evidence, scope)
    of_it = [one for one in found.verdicts if ESX.name in one.subject.id]
    assert {one.control for one in of_it} == {"ACC-04", "SVC-02", "NET-02", "NET-04"}
    for one in of_it:
        ports = one.subject.id == f"{VMM} -> {ESX.name}"
        assert (one.verdict is Verdict.NOT_APPLICABLE) != ports, one
    assert ESX.name not in {pair.host for pair in found.readiness}
    assert len(found.readiness) == len(GOOD.hosts) * len(GOOD.libraries)
    assert not [one for one in (*evidence.answers, *evidence.gaps) if one.server == ESX.name]


def test_a_library_server_is_not_reached_from_esx():
    scope = scope_of(GOOD, hosts=(ESX,))
    found = outcomes(NET_02, *simulate(GOOD, scope=scope))
    assert (found[ESX.name].verdict, found[ESX.name].code) == (Verdict.NOT_APPLICABLE, "ESX")


def test_winrm():
    assert of(NET_05, subject=HOST).verdict is Verdict.PASS
    silent = of(NET_05, GOOD.with_host("HYPER01", booted=None), HOST)
    assert (silent.verdict, silent.code) == (Verdict.MANUAL, "NOT_TRIED")


@pytest.mark.parametrize(
    ("dialect", "signing", "verdict", "code"),
    [
        (b"3.1.1", b"required", Verdict.PASS, ""),
        (b"3.1.1", b"enabled", Verdict.WARN, "UNSIGNED"),
        (b"2.1.0", b"required", Verdict.WARN, "OLD_DIALECT"),
        (b"", b"required", Verdict.NOT_ASSESSABLE, "NOT_TOLD"),
    ],
)
def test_what_smb_negotiated(dialect, signing, verdict, code):
    evidence, scope = simulate(GOOD)
    made = answered(evidence, questions.smb_server(LIBRARY), dialect=dialect, signing=signing)
    found = outcomes(NET_06, made, scope)[LIBRARY]
    assert (found.verdict, found.code) == (verdict, code)


def legacy(subject, evidence=None, scope=None, **values):
    """What NET-06 says when a server's reply to an offer of SMB 1 is another."""
    world, known = simulate(GOOD)
    question = questions.legacy_smb(subject)
    made = answered(evidence or world, question, **values)
    return outcomes(NET_06, made, scope or known)[subject]


@pytest.mark.parametrize("subject", [LIBRARY, HOST])
def test_a_server_that_speaks_no_smb_1(subject):
    for values in ({"reply": b""}, {"reply": stubs.smb1_declined()}, {"enabled": b"false"}):
        found = legacy(subject, **values)
        assert found.verdict is Verdict.PASS
        doubt = "AS_CONFIGURED" if "enabled" in values else "FROM_HERE"
        assert doubt in [remark.code for remark in found.remarks]
        assert questions.legacy_smb(subject).id in found.evidence


@pytest.mark.parametrize("subject", [LIBRARY, HOST])
def test_a_server_that_speaks_smb_1(subject):
    spoken = legacy(subject, reply=stubs.smb1_chosen())
    assert (spoken.verdict, spoken.code) == (Verdict.FAIL, "SMB1_SPOKEN")
    assert spoken.evidence == (questions.legacy_smb(subject).id,)
    configured = legacy(subject, enabled=b"true")
    assert (configured.verdict, configured.code) == (Verdict.FAIL, "SMB1_CONFIGURED")


@pytest.mark.parametrize("subject", [LIBRARY, HOST])
@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.MALFORMED_REPLY, Reason.NOT_ASKED])
def test_whether_it_speaks_smb_1_was_not_told(subject, reason):
    evidence, scope = simulate(GOOD)
    found = outcomes(NET_06, without(evidence, questions.legacy_smb(subject), reason), scope)
    assert (found[subject].verdict, found[subject].code) == (Verdict.NOT_ASSESSABLE, reason.value)


def test_a_reply_that_is_none_is_not_assessable():
    for reply in (b"\xffSMB", b"\xfeSMB" + bytes(60), stubs.smb1_chosen()[:-1], b"?"):
        found = legacy(LIBRARY, reply=reply)
        assert (found.verdict, found.code) == (Verdict.NOT_ASSESSABLE, "malformed-reply")
    assert legacy(HOST, other=b"1").verdict is Verdict.NOT_ASSESSABLE


def test_smb_1_decides_whatever_else_is_not_known():
    """A server that nobody can log on to may still speak it."""
    evidence, _ = simulate(GOOD)
    refused = without(evidence, questions.smb_server(LIBRARY))
    found = legacy(LIBRARY, evidence=refused, reply=stubs.smb1_chosen())
    assert found.code == "SMB1_SPOKEN"
    unsigned = answered(evidence, questions.smb_server(LIBRARY), dialect=b"3.1.1", signing=b"no")
    found = legacy(LIBRARY, evidence=unsigned, reply=stubs.smb1_chosen())
    assert found.code == "SMB1_SPOKEN"
    unseen = without(unsigned, questions.legacy_smb(LIBRARY))
    found = outcomes(NET_06, unseen, scope_of(GOOD))[LIBRARY]
    assert (found.verdict, found.code) == (Verdict.WARN, "UNSIGNED")
    assert "SMB1_UNSEEN" in [remark.code for remark in found.remarks]


def test_a_host_that_is_the_library_is_judged_once():
    scope = scope_of(GOOD, hosts=(Host(name=LIBRARY),), libraries=(Library(share=LIB),))
    evidence, _ = simulate(GOOD, scope=scope)
    assert outcomes(NET_06, evidence, scope).keys() == {LIBRARY}
    found = legacy(LIBRARY, evidence=evidence, scope=scope, reply=stubs.smb1_chosen())
    assert found.code == "SMB1_SPOKEN"


def test_one_world_with_smb_1():
    world = GOOD.with_host("HYPER01", smb1=True).with_library("LIBRARY02", smb1=True)
    found = outcomes(NET_06, *simulate(world))
    spoken = {name for name, outcome in found.items() if outcome.code == "SMB1_SPOKEN"}
    assert spoken == {HOST, f"library02.{DOMAIN}"}
    assert len(found) == len(GOOD.hosts) + len(GOOD.libraries)


def test_a_silent_server_is_not_assessable():
    evidence, scope = simulate(GOOD)
    refused = without(evidence, questions.smb_server(LIBRARY))
    assert outcomes(NET_06, refused, scope)[LIBRARY].verdict is Verdict.NOT_ASSESSABLE


def test_agents():
    new, old = {"Name": "h1", "AgentVersion": "10.22.2"}, {"Name": "h2", "AgentVersion": "10.22.1"}
    waiting = {**new, "Name": "h3", "AgentVersionState": "Upgrade Available"}
    cmdlet = "Get-SCVMMManagedComputer"
    assert outcome(SVC_03, told(cmdlet, new)).verdict is Verdict.PASS
    for other in (old, waiting):
        found = outcome(SVC_03, told(cmdlet, new, other))
        assert (found.verdict, found.code) == (Verdict.WARN, "OLD_AGENTS")
        assert found.values["old"] == (other["Name"],)
    assert outcome(SVC_03, told(cmdlet, {"Name": "h"})).code == "NO_VERSIONS"
    assert outcome(SVC_03, told(cmdlet, new, {"Name": "h"})).code == "NO_VERSIONS"
    assert of(SVC_03, subject=VMM).code == "not-supported"


def secured(*aces, owner="S-1-5-18"):
    return {"HYPER01$": {"nTSecurityDescriptor": [encode(list(aces), owner=owner)]}}


JOINER = "S-1-5-21-1-2-3-1234"
KCD = bytes.fromhex("d7944d80a142a142b14d7cae1423d07f")


@pytest.mark.parametrize(
    ("aces", "owner", "verdict"),
    [
        ((Ace(0, 0, 0xF01FF, "S-1-5-18"),), "S-1-5-18", Verdict.PASS),
        ((Ace(0, 0, 0x20, JOINER),), "S-1-5-18", Verdict.WARN),
        ((Ace(0, 0, 0x40000, JOINER),), "S-1-5-18", Verdict.WARN),
        ((Ace(5, 0, 0x20, JOINER, b"", KCD),), "S-1-5-18", Verdict.WARN),
        ((Ace(5, 0, 0x20, JOINER, b"", b"\1" * 16),), "S-1-5-18", Verdict.PASS),
        ((Ace(0, 8, 0xF01FF, JOINER),), "S-1-5-18", Verdict.PASS),
        ((Ace(0, 0, 0x20014, JOINER),), "S-1-5-18", Verdict.PASS),
        ((), JOINER, Verdict.WARN),
    ],
)
def test_who_may_change_delegation(aces, owner, verdict):
    assert of(DEL_09, GOOD, HOST, secured(*aces, owner=owner)).verdict is verdict


def test_permissions_that_were_not_shown():
    assert of(DEL_09, GOOD, HOST, {"HYPER01$": {"nTSecurityDescriptor": []}}).verdict is (
        Verdict.NOT_ASSESSABLE
    )
    evidence, scope = simulate(GOOD)
    dn = "CN=HYPER01,CN=Computers,DC=contoso,DC=com"
    refused = without(evidence, questions.computer_security(DOMAIN, dn))
    assert outcomes(DEL_09, refused, scope)[HOST].verdict is Verdict.NOT_ASSESSABLE
