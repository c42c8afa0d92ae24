"""What else keeps an image from being opened, or an auditor from seeing it (semantics 3)."""

from __future__ import annotations

import struct

import pytest

from tests import stubs
from tests.controls.test_env_03 import FIRST
from tests.controls.test_env_03 import site as controllers
from tests.controls.test_env_04 import PAIR
from tests.controls.test_env_support import OTHER, of, other_domain, outcomes
from tests.controls.test_lib_support import remarks, said
from tests.controls.test_net import HOST, LIBRARY, answered
from tests.controls.test_ops import VMM
from tests.simulate import scope_of, simulate, without
from tests.variants import GOOD, LIB1
from tests.worlds import DOMAIN, FILE_ACL, SHARE, Item, World
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.del_04 import DEL_04
from vmmaudit.controls.del_07 import DEL_07
from vmmaudit.controls.env_04 import ENV_04
from vmmaudit.controls.lib_01 import LIB_01
from vmmaudit.controls.lib_03 import LIB_03
from vmmaudit.controls.net_03 import NET_03
from vmmaudit.controls.net_05 import NET_05
from vmmaudit.controls.net_06 import NET_06
from vmmaudit.controls.scp_01 import SCP_01
from vmmaudit.evidence import Answer, Evidence, Row

PASS, WARN = Verdict.PASS, Verdict.WARN
ALIAS = f"iso.{DOMAIN}"
IMAGES = questions.listing(LIBRARY, SHARE, "ISOs")
HARDENING = questions.registry(LIBRARY, *questions.NAME_HARDENING)
NTLM = questions.registry(HOST, *questions.NTLM_RECEIVED)
LIBRARY_SHARE = questions.share(LIBRARY, SHARE)


def by_alias(level: int | None):
    world = GOOD.with_library("LIBRARY01", unc_name=ALIAS, extra_spns=(f"cifs/{ALIAS}",))
    scope = scope_of(world)
    evidence, _ = simulate(world, scope=scope)
    asked = next(q for q in evidence.answers if q.detail == questions.NAME_HARDENING)
    if level is None:
        evidence = without(evidence, asked)
    elif level:
        evidence = answered(evidence, asked, reply=stubs.registry_value(level))
    return outcomes(NET_03, evidence, scope)[rf"\\{ALIAS}\{SHARE.lower()}"]


@pytest.mark.unverified
def test_a_server_that_takes_its_own_names_only():
    assert said(by_alias(0)) == (PASS, "")
    assert said(by_alias(1)) == said(by_alias(2)) == (WARN, "NAME_HARDENING")
    assert said(by_alias(None)) == (PASS, "")
    assert "HARDENING_UNREAD" in remarks(by_alias(None))


def test_a_name_of_its_own_is_taken_whatever_the_level():
    evidence, scope = simulate(GOOD)
    hardened = answered(evidence, HARDENING, reply=stubs.registry_value(2))
    assert said(outcomes(NET_03, hardened, scope)[LIB1]) == (PASS, "")


@pytest.mark.unverified
@pytest.mark.parametrize(("level", "verdict"), [(0, PASS), (1, WARN), (2, WARN)])
def test_a_host_that_refuses_ntlm(level: int, verdict: Verdict):
    evidence, scope = simulate(GOOD)
    made = answered(evidence, NTLM, reply=stubs.registry_value(level))
    outcome = outcomes(NET_05, made, scope)[HOST]
    assert said(outcome) == (verdict, "NTLM_REFUSED" if level else "")


def test_a_library_that_is_no_windows():
    strange = {"LIBRARY01$": {"operatingSystem": [b"Data ONTAP"]}}
    assert "NOT_WINDOWS" in remarks(of(NET_06, GOOD, LIBRARY, strange))
    plain = {"LIBRARY01$": {"operatingSystem": [b"Windows Server 2022 Standard"]}}
    for known in (plain, {}):
        assert remarks(of(NET_06, GOOD, LIBRARY, known)) == {
            *("NEGOTIATED", "FROM_HERE", "LOGON_RIGHTS_UNSEEN"),
        }


def test_keys_of_the_library_without_aes():
    for types, wanted in ((b"4", {"RC4_ONLY"}), (b"28", set()), (b"0", set())):
        known = {"LIBRARY01$": {"msDS-SupportedEncryptionTypes": [types]}}
        assert remarks(of(DEL_04, GOOD, LIB1, known)) == wanted


@pytest.mark.unverified
def test_a_policy_of_the_library_or_of_the_host_is_remarked():
    silo = {"msDS-AssignedAuthNPolicySilo": [b"CN=Silo,DC=contoso,DC=com"]}
    library = of(DEL_04, GOOD, LIB1, {"LIBRARY01$": silo})
    host = of(DEL_07, GOOD, HOST, {"HYPER01$": silo})
    for outcome in (library, host):
        assert outcome.verdict is PASS
        assert remarks(outcome) == {"AUTHENTICATION_POLICY"}
        assert outcome.remarks[0].values["policy"] == "CN=Silo,DC=contoso,DC=com"
    assert remarks(of(DEL_07, GOOD, HOST)) == set()


def test_several_controllers_may_be_patched_differently():
    assert remarks(controllers(FIRST, FIRST)) == {"PATCHES"}
    assert remarks(controllers(FIRST)) == set()


@pytest.mark.unverified
@pytest.mark.parametrize(("bits", "wanted"), [(0x08, {"RBCD"}), (0x0C, {"RBCD", "SID_FILTERING"})])
def test_a_trust_that_filters_sids(bits: int, wanted: set[str]):
    trusts = (("contoso.com", OTHER, 3, bits),)
    evidence, scope = other_domain(allowed=["HYPER01"], trusts=trusts)
    assert remarks(outcomes(ENV_04, evidence, scope)[PAIR]) == wanted


def limited(users: int):
    evidence, scope = simulate(GOOD)
    row = evidence.answers[LIBRARY_SHARE].rows[0]
    reply = bytearray(row.values["reply"][0])
    at = reply.index(struct.pack("<I", 0xFFFFFFFF))
    reply[at : at + 4] = struct.pack("<I", users)
    made = answered(evidence, LIBRARY_SHARE, level=b"502", reply=bytes(reply))
    return outcomes(LIB_01, made, scope)[LIB1]


def test_a_share_that_takes_fewer_connections_than_there_are_hosts():
    assert said(limited(3)) == (WARN, "USER_LIMIT")
    assert said(limited(7)) == (PASS, "")


BLANK = GOOD.with_share(
    "LIBRARY01",
    SHARE,
    items=(*GOOD.library("LIBRARY01").shares[0].items, Item(r"ISOs\ vorn.iso", FILE_ACL, 1)),
)
"""An image whose name begins with a blank: what else is odd is then a remark."""


def marked(bits: int, world: World = GOOD):
    """All entries of the folder of images have these attributes besides."""
    evidence, scope = simulate(world)
    buffer = bytearray(evidence.answers[IMAGES].rows[0].values["entries"][0])
    at = 0
    while True:
        following, attributes = (
            struct.unpack_from("<I", buffer, at)[0],
            struct.unpack_from("<I", buffer, at + 56)[0],
        )
        struct.pack_into("<I", buffer, at + 56, attributes | bits)
        if not following:
            break
        at += following
    made = answered(evidence, IMAGES, entries=bytes(buffer))
    return outcomes(LIB_03, made, scope)[LIB1]


@pytest.mark.parametrize(
    ("bits", "code"), [(0x4000, "ENCRYPTED"), (0x1000, "ELSEWHERE"), (0x400000, "ELSEWHERE")]
)
def test_images_that_others_cannot_read_or_that_lie_elsewhere(bits: int, code: str):
    assert said(marked(bits)) == (WARN, code)
    both = marked(bits | 0x5000)
    assert both.code == "ENCRYPTED"
    assert {"ELSEWHERE", "UNSEEN", "INVENTORY"} <= remarks(both)
    third = marked(0x4000, BLANK)
    assert third.code == "BLANK"
    assert "ENCRYPTED" in remarks(third)


# -- what VMM itself lists ------------------------------------------------------------------


def listed(evidence: Evidence, cmdlet: str, *objects: dict[str, str]) -> Evidence:
    rows = tuple(Row("", {k: (v.encode(),) for k, v in found.items()}) for found in objects)
    answer = Answer(rows, VMM, evidence.origin.moment)
    return Evidence(
        evidence.origin,
        {**evidence.answers, questions.vmm_objects(VMM, cmdlet): answer},
        evidence.gaps,
    )


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ({"Path": rf"\\LIBRARY01.contoso.com\{SHARE}"}, ""),
        ({"Name": SHARE, "LibraryServer": "library01.contoso.com"}, ""),
        ({"Name": SHARE, "LibraryServer": "LIBRARY01"}, ""),
        ({"Name": SHARE, "LibraryServer": "library02.contoso.com"}, "NOT_REGISTERED"),
        ({"Name": "Other", "LibraryServer": "library01.contoso.com"}, "NOT_REGISTERED"),
    ],
)
def test_registration_is_judged_where_vmm_was_read(found: dict[str, str], code: str):
    evidence, scope = simulate(GOOD)
    outcome = outcomes(LIB_01, listed(evidence, "Get-SCLibraryShare", found), scope)[LIB1]
    assert said(outcome) == (WARN if code else PASS, code)
    assert outcome.remarks == ()


def catalogued(*paths: str, world: World = GOOD):
    evidence, scope = simulate(world)
    rows = [{"SharePath": rf"\\library01.contoso.com\{SHARE}\{path}"} for path in paths]
    return outcomes(LIB_03, listed(evidence, "Get-SCISO", *rows), scope)[LIB1]


def test_images_are_compared_with_those_that_vmm_lists():
    there = [i.path for i in GOOD.library("LIBRARY01").shares[0].items if i.size is not None]
    assert said(catalogued(*there)) == (PASS, "")
    assert remarks(catalogued(*there)) == {"UNSEEN"}
    assert said(catalogued(*there[1:])) == (WARN, "NOT_CATALOGUED")
    assert said(catalogued(*there, r"ISOs\old.iso")) == (WARN, "GONE")
    both = catalogued(*there[1:], r"ISOs\old.iso")
    assert (both.code, remarks(both)) == ("NOT_CATALOGUED", {"UNSEEN", "GONE"})
    third = catalogued(*there, world=BLANK)
    assert (third.code, remarks(third)) == ("BLANK", {"UNSEEN", "NOT_CATALOGUED"})


def managed(*hosts: dict[str, str]):
    evidence, scope = simulate(GOOD)
    rows = [{"VirtualizationPlatform": "HyperV", **host} for host in hosts]
    return outcomes(SCP_01, listed(evidence, "Get-SCVMHost", *rows), scope)[DOMAIN]


ALL = [{"FullyQualifiedDomainName": f"{host.name}.{DOMAIN}"} for host in GOOD.hosts]


def test_the_scope_is_compared_with_what_vmm_lists():
    assert "INVENTORY_UNREAD" in remarks(of(SCP_01, subject=DOMAIN))
    assert said(managed(*ALL)) == (PASS, "")
    assert remarks(managed(*ALL)) == set()
    fewer = managed(*ALL[1:])
    assert said(fewer) == (PASS, "")
    assert remarks(fewer) == {"UNMANAGED"}
    more = managed(*ALL, {"FullyQualifiedDomainName": f"HYPER99.{DOMAIN}"})
    assert said(more) == (WARN, "UNDECLARED")
    assert "MANAGED" in remarks(more)
    esx = {"FullyQualifiedDomainName": f"esx1.{DOMAIN}", "VirtualizationPlatform": "VMWareESX"}
    assert said(managed(*ALL, esx)) == (PASS, "")
    assert said(managed(*ALL, {"FullyQualifiedDomainName": "h.elsewhere.example"})) == (PASS, "")


def test_an_account_that_vmm_does_not_use():
    key = "VMHostManagementCredential.UserName"
    other = managed({**ALL[0], key: r"CONTOSO\run.as"}, *ALL[1:])
    assert said(other) == (WARN, "OTHER_ACCOUNT")
    assert other.values["accounts"] == (rf"hyper01.{DOMAIN}: CONTOSO\run.as",)
    same = managed({**ALL[0], key: f"SERVICE.VMM@{DOMAIN}"}, *ALL[1:])
    assert said(same) == (PASS, "")
