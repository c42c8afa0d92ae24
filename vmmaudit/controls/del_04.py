"""DEL-04: the name in a library's UNC leads by SPN to one account, the library server's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from vmmaudit.assessment import Remark, Ternary, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World, by_link
from vmmaudit.facts import Facts, Missing, Principal
from vmmaudit.readiness.delegation import is_address, target
from vmmaudit.scope import Library

WITHIN_FOREST: Final = 0x20
AES: Final = 0x18
"""MS-KILE 2.2.7: AES128 and AES256."""


def _cases(world: World) -> Iterator[Case]:
    for library in world.facts.scope.libraries:
        yield Case(subjects.share(library), partial(_check, world.facts, library))


def _check(facts: Facts, library: Library) -> Outcome:
    link = target(facts, library)
    values: dict[str, Value] = {"name": library.unc_name, "share": library.share, **link.values}
    remarks = tuple(_remarks(facts, library, values))
    if link.state is Ternary.YES and is_address(library.unc_name):
        return Outcome(Verdict.WARN, "IP_ADDRESS", values, link.evidence, remarks)
    return by_link(link, *remarks)


def _remarks(facts: Facts, library: Library, values: dict[str, Value]) -> Iterator[Remark]:
    server, name = facts.library(library), library.unc_name
    if isinstance(server, Principal):
        own = {server.dns_name, server.name.removesuffix("$").lower()}
        if name not in own and not is_address(name):
            yield Remark("ALIAS", {**values, "server": server.shown})
    if isinstance(server, Principal) and server.encryption and not server.encryption & AES:
        yield Remark("RC4_ONLY", {**values, "server": server.shown})
    if isinstance(server, Principal) and (policy := facts.directory.policy_of(server)):
        named: dict[str, Value] = {**values, "server": server.shown, "policy": policy}
        yield Remark("AUTHENTICATION_POLICY", named)
    elsewhere = tuple(sorted(_unasked(facts)))
    if elsewhere:
        yield Remark("DOMAINS_NOT_ASKED", {**values, "domains": elsewhere})


def _unasked(facts: Facts) -> set[str]:
    """Domains of the same forest that the scope leaves out: a duplicate SPN may be there."""
    asked = {domain.name for domain in facts.scope.domains}
    partners = set()
    for name in asked:
        trusts = facts.directory.trusts(name)
        if not isinstance(trusts, Missing):
            partners |= {t.partner for t in trusts if t.attributes & WITHIN_FOREST}
    return partners - asked


DEL_04 = Control(
    id="DEL-04",
    version=1,
    severity=Severity.CRITICAL,
    origin=Origin.VENDOR,
    references=(
        "MS-ADTS 2.2.21 (service principal names)",
        "MS-ADA3 (sPNMappings)",
        "RFC 4120 6.2.1",
        "Microsoft Learn: Configuring Kerberos for IP addresses",
    ),
    mapping=mapping.DELEGATION,
    cases=_cases,
)
