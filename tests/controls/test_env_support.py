"""What the tests of these controls share: outcomes by subject, their words, a second domain."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import pytest

from tests.simulate import SimulatedWire, _Entry, scope_of, simulate
from tests.worlds import DOMAIN_SID, MOMENT, World, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.collect.gather import collect
from vmmaudit.controls import control as controls
from vmmaudit.controls.acc_01 import ACC_01
from vmmaudit.controls.acc_02 import ACC_02
from vmmaudit.controls.acc_03 import ACC_03
from vmmaudit.controls.acc_04 import ACC_04
from vmmaudit.controls.acc_05 import ACC_05
from vmmaudit.controls.acc_06 import ACC_06
from vmmaudit.controls.acc_07 import ACC_07
from vmmaudit.controls.acc_08 import ACC_08
from vmmaudit.controls.acc_09 import ACC_09
from vmmaudit.controls.control import Control, Outcome
from vmmaudit.controls.del_01 import DEL_01
from vmmaudit.controls.del_02 import DEL_02
from vmmaudit.controls.del_03 import DEL_03
from vmmaudit.controls.del_04 import DEL_04
from vmmaudit.controls.env_01 import ENV_01
from vmmaudit.controls.env_02 import ENV_02
from vmmaudit.controls.env_03 import ENV_03
from vmmaudit.controls.env_04 import ENV_04
from vmmaudit.controls.env_05 import ENV_05
from vmmaudit.controls.hst_01 import HST_01
from vmmaudit.controls.lib_04 import LIB_04
from vmmaudit.controls.scp_01 import SCP_01
from vmmaudit.controls.svc_01 import SVC_01
from vmmaudit.controls.svc_02 import SVC_02
from vmmaudit.controls.texts import PLACEHOLDER, ControlTexts, fill
from vmmaudit.evidence import Evidence, Reason
from vmmaudit.facts import decode
from vmmaudit.readiness import Chain
from vmmaudit.scope import Domain, Library, Scope
from vmmaudit.windows import descriptor as descriptors
from vmmaudit.windows.sid import sid_to_bytes

CONTROLS = (
    *(ENV_02, ENV_04, ACC_01, ACC_02, ACC_03, ACC_04, ACC_06, SVC_01, SVC_02),
    *(DEL_01, DEL_02, DEL_03, DEL_04, HST_01),
)
WORDED = (
    *CONTROLS,
    *(ENV_01, ENV_03, ENV_05, SCP_01, ACC_05, ACC_07, ACC_08, ACC_09, LIB_04),
)
"""Those whose words are looked at; some of them no world can pass without a person."""
LANGUAGES = ("de", "en")
FULL = 0x000F_01FF
"""What Windows' cmdlet grants in msDS-AllowedToActOnBehalfOfOtherIdentity."""

HOST = "hyper01.contoso.com"
SERVER = "library01.contoso.com"
SHARE = r"\\library01.contoso.com\mssccmmlibrary".replace("mssccmm", "msscvmm")
PAIR = f"{HOST} -> {SHARE}"
ACCOUNT = r"contoso\service.vmm"
OTHER = "fabrikam.com"
OTHER_SID = "S-1-5-21-4000000001-4000000002-4000000003"


@cache
def texts(name: str, language: str) -> ControlTexts:
    found = files("vmmaudit.controls.texts").joinpath(language, f"{name}.toml")
    return ControlTexts(**tomllib.loads(found.read_text(encoding="utf-8")))


def outcomes(control: Control, evidence: Evidence, scope: Scope) -> dict[str, Outcome]:
    """Every outcome by subject; each of them can be put into words."""
    facts = decode(evidence, scope)
    found: dict[str, Outcome] = {}
    for case in list(control.cases(controls.World(facts, Chain(facts)))):
        outcome = case.outcome()
        assert case.subject.id not in found, "one subject, one verdict"
        assert (outcome.code == "") == (outcome.verdict is Verdict.PASS)
        assert all(asked.startswith("E-") for asked in outcome.evidence)
        found[case.subject.id] = outcome
        for language in LANGUAGES:
            _put_into_words(control.id, outcome, language)
    return found


def of(
    control: Control,
    world: World | None = None,
    subject: str = PAIR,
    attributes: Mapping[str, Mapping[str, Sequence[bytes]]] | None = None,
    **scope_changes: object,
) -> Outcome:
    """The outcome for one subject of a world."""
    used = world or conforming()
    evidence, scope = simulate(used, attributes, scope_of(used, **scope_changes))
    return outcomes(control, evidence, scope)[subject]


def allowed_to_act(*sids: str, kind: int = 0) -> dict[str, list[bytes]]:
    """The attribute that lets `sids` delegate to a server."""
    packed = descriptors.encode(
        [descriptors.Ace(kind, 0, FULL, sid) for sid in sids],
        owner=f"{DOMAIN_SID}-512",
        group=f"{DOMAIN_SID}-512",
        control=0,
    )
    return {"msDS-AllowedToActOnBehalfOfOtherIdentity": [packed]}


def sid_of(world: World, name: str) -> str:
    return SimulatedWire(world, {}, MOMENT).sids[name]


def other_domain(
    world: World | None = None,
    trusts: Sequence[tuple[str, str, int, int]] = (("contoso.com", OTHER, 3, 0x08),),
    allowed: Sequence[str] = (),
    scope_domains: Sequence[str] = ("contoso.com", OTHER),
    extra: Mapping[str, list[bytes]] | None = None,
) -> tuple[Evidence, Scope]:
    """A world whose one library server is of another domain.

    `trusts` are (domain that tells it, partner, direction, attributes); `allowed` names whom
    the library server lets delegate to it.
    """
    used = world or conforming()
    wire = SimulatedWire(used, {}, MOMENT)
    base = questions.base_dn(OTHER)
    wire.entries += [
        _Entry(base, {"objectSid": [sid_to_bytes(OTHER_SID)], "msDS-Behavior-Version": [b"7"]}),
        _Entry(
            f"CN=FILES,CN=Computers,{base}",
            {
                "objectClass": [b"top", b"user", b"computer"],
                "objectCategory": [b"computer"],
                "objectSid": [sid_to_bytes(f"{OTHER_SID}-1200")],
                "sAMAccountName": [b"FILES$"],
                "dNSHostName": [f"files.{OTHER}".encode()],
                "servicePrincipalName": [b"HOST/FILES", f"HOST/files.{OTHER}".encode()],
                "userAccountControl": [b"4096"],
                **(allowed_to_act(*(sid_of(used, name) for name in allowed)) if allowed else {}),
                **(extra or {}),
            },
        ),
        *(
            _Entry(
                f"CN={partner},CN=System,{questions.base_dn(domain)}",
                {
                    "objectClass": [b"trustedDomain"],
                    "trustPartner": [partner.encode()],
                    "trustDirection": [str(direction).encode()],
                    "trustAttributes": [str(attributes).encode()],
                },
            )
            for domain, partner, direction, attributes in trusts
        ),
    ]
    scope = scope_of(
        used,
        domains=tuple(Domain(name=name) for name in scope_domains),
        libraries=(Library(share=rf"\\files.{OTHER}\ISO"),),
    )
    return collect(scope, wire), scope


def _put_into_words(control: str, outcome: Outcome, language: str) -> None:
    words = texts(control, language)
    code = outcome.code or "pass"
    if code in words.finding:
        assert fill(words.finding[code], outcome.values)
    else:
        assert outcome.verdict is Verdict.NOT_ASSESSABLE
        assert code in {reason.value for reason in Reason}
    if outcome.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE):
        assert fill(words.remedy_for(outcome.code), outcome.values)
    for remark in outcome.remarks:
        assert fill(words.remark[remark.code], remark.values)


@pytest.mark.parametrize("control", WORDED, ids=lambda control: control.id)
def test_the_words_are_alike_in_both_languages(control):
    german, english = (texts(control.id, language) for language in LANGUAGES)
    for table in ("finding", "remedy", "remark"):
        ours, theirs = getattr(german, table), getattr(english, table)
        assert set(ours) == set(theirs)
        for code in ours:
            assert set(PLACEHOLDER.findall(ours[code])) == set(PLACEHOLDER.findall(theirs[code]))
    assert {"pass"} <= set(german.finding)
    assert not PLACEHOLDER.search(german.remedy["default"]), "it also serves gaps without values"


@pytest.mark.parametrize("control", WORDED, ids=lambda control: control.id)
@pytest.mark.parametrize("language", LANGUAGES)
def test_commands_add_and_quote(control, language):
    for remedy in texts(control.id, language).remedy.values():
        assert "-Replace" not in remedy
        for line in "\n".join(remedy.split("```")[1::2]).splitlines():
            for found in PLACEHOLDER.finditer(line):
                assert line[: found.start()].count("'") % 2, line
                assert "'" in line[found.end() :], line
