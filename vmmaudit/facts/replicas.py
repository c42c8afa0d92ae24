"""The controllers of a domain, and whether all of them have the same of what was audited."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vmmaudit import questions
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Evidence, Gap, Question, Reason, Row
from vmmaudit.facts.missing import Missing
from vmmaudit.facts.principal import Principal, decode
from vmmaudit.windows import replication
from vmmaudit.windows.account_control import AccountControl
from vmmaudit.windows.sid import sid_from_bytes

OWN_RIDS: Final = 1000
"""Below it are the accounts that come with every domain (MS-ADTS 6.1.1.6)."""
COMPARED: Final[Mapping[str, int | None]] = {
    "userAccountControl": replication.USER_ACCOUNT_CONTROL,
    "servicePrincipalName": replication.SERVICE_PRINCIPAL_NAME,
    "msDS-AllowedToDelegateTo": replication.ALLOWED_TO_DELEGATE_TO,
    "msDS-AllowedToActOnBehalfOfOtherIdentity": replication.ALLOWED_TO_ACT,
    "member": None,
}
"""The attributes and their ATTRTYPs; linked values have no version of their own here."""
_VERSION: Final = re.compile(r"(\d{1,5})\.(\d{1,5})\b", re.ASCII)


@dataclass(frozen=True, slots=True)
class Controller:
    """A domain controller; `version` is that of its Windows, None where it tells none."""

    name: str
    system: str
    version: tuple[int, int] | None
    read_only: bool
    evidence: str


@dataclass(frozen=True, slots=True)
class Difference:
    """An attribute of an object that a controller has otherwise than the one that was read.

    `version` and `other` are the versions (dwVersion) here and there, None for linked values.
    """

    name: str
    attribute: str
    version: int | None
    other: int | None

    @property
    def is_older(self) -> bool | None:
        """Whether this controller is the one that is behind; None where no version tells."""
        if self.version is None or self.other is None or self.version == self.other:
            return None
        return self.version < self.other


@dataclass(frozen=True, slots=True)
class Replica:
    """The audited attributes as one controller has them, by SID."""

    controller: str
    objects: Mapping[str, _Object]
    evidence: tuple[str, ...]

    def differences(self, read: Replica) -> tuple[Difference, ...]:
        """What differs from the controller that the audit rests on."""
        return tuple(
            found
            for sid in sorted({*self.objects, *read.objects})
            for found in _differing(self.objects.get(sid), read.objects.get(sid))
        )


@dataclass(frozen=True, slots=True)
class _Object:
    name: str
    values: Mapping[str, frozenset[bytes]]
    versions: Mapping[int, int]


def controllers(evidence: Evidence, domain: str, netbios: str) -> tuple[Controller, ...] | Missing:
    """The controllers that a domain lists, in the order of their names."""
    question = questions.domain_controllers(domain)
    reply = evidence.reply(question)
    if isinstance(reply, Gap):
        return Missing.of(reply, question)
    found = []
    for row in reply.rows:
        try:
            computer = decode(row, domain, netbios, question.id)
        except FormatError as error:
            return Missing(Reason.MALFORMED_REPLY, str(error), (question.id,))
        if computer is not None:
            system = (row.first("operatingSystem") or b"").decode("utf-8", "replace")
            found.append(_controller(computer, system))
    if not found:
        sentence = f"The domain {domain} lists no controller to the account that reads."
        return Missing(Reason.INCOMPLETE, sentence, (question.id,))
    return tuple(sorted(found, key=lambda controller: controller.name))


def _controller(computer: Principal, system: str) -> Controller:
    numbers = _VERSION.match(computer.system_version)
    # Samba writes its own version here, which says nothing of what Windows can do.
    windows = numbers if system.lower().startswith("windows") else None
    return Controller(
        computer.dns_name or computer.name.removesuffix("$").lower(),
        system,
        (int(windows[1]), int(windows[2])) if windows else None,
        bool(computer.control & AccountControl.PARTIAL_SECRETS),
        computer.evidence,
    )


def replicas(evidence: Evidence, controllers: Iterable[str]) -> dict[str, Replica | Missing]:
    """What each controller told; all of it, or the first gap."""
    asked: dict[str, list[Question]] = {name: [] for name in controllers}
    for question in [*evidence.answers, *evidence.gaps]:
        if question.kind == questions.CONTROLLER and question.server in asked:
            asked[question.server].append(question)
    return {name: _replica(evidence, name, sorted(found)) for name, found in asked.items()}


def _replica(evidence: Evidence, controller: str, asked: Sequence[Question]) -> Replica | Missing:
    if not asked:
        return Missing(Reason.NOT_ASKED, f"{controller} was not asked.")
    objects: dict[str, _Object] = {}
    for question in asked:
        reply = evidence.reply(question)
        if isinstance(reply, Gap):
            return Missing.of(reply, question)
        for row in reply.rows:
            try:
                found = _decoded(row)
            except FormatError as error:
                return Missing(Reason.MALFORMED_REPLY, str(error), (question.id,))
            if found:
                objects[found[0]] = found[1]
    return Replica(controller, objects, tuple(question.id for question in asked))


def _decoded(row: Row) -> tuple[str, _Object] | None:
    values = {key.lower(): found for key, found in row.values.items()}
    sid = next(iter(values.get("objectsid", ())), None)
    if sid is None:
        return None
    meta = next(iter(values.get("replpropertymetadata", ())), None)
    name = next(iter(values.get("samaccountname", ())), b"").decode("utf-8", "replace")
    compared = {key: frozenset(values.get(key.lower(), ())) for key in COMPARED}
    return sid_from_bytes(sid), _Object(name, compared, replication.versions(meta) if meta else {})


def _differing(here: _Object | None, there: _Object | None) -> Iterator[Difference]:
    if here is None or there is None:
        known = here or there
        if known:
            yield Difference(known.name, "objectSid", None, None)
        return
    for attribute, kind in COMPARED.items():
        if here.values[attribute] != there.values[attribute]:
            versions = [None if kind is None else of.versions.get(kind) for of in (here, there)]
            yield Difference(here.name, attribute, *versions)
