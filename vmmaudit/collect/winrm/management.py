"""Answers over WinRM: what pipes refused, and what only WinRM tells.

CIM where it can tell, since it needs no session of PowerShell; PowerShell for the members of
local groups with their SIDs, for VMM's own cmdlets, and for what a host reaches.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from vmmaudit import questions
from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.winrm import cim, scripts
from vmmaudit.collect.winrm.failures import FOR_GOOD, LIBRARY_ERRORS, explained
from vmmaudit.collect.winrm.session import Session
from vmmaudit.collect.wire import WireError
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Gap, Question, Reason, Row
from vmmaudit.scope import Domain
from vmmaudit.windows import sddl
from vmmaudit.windows.sid import sid_to_bytes

_STARTS: Final = {"boot": 0, "system": 1, "auto": 2, "manual": 3, "disabled": 4}
_STATES: Final = {
    "stopped": 1,
    "start pending": 2,
    "stop pending": 3,
    "running": 4,
    "continue pending": 5,
    "pause pending": 6,
    "paused": 7,
}
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")
_INTERRUPTED: Final = "The run was interrupted before this was asked."
Rows: TypeAlias = tuple[Row, ...]


class RemoteManagement:
    """Answers about one server; raises nothing, what fails is a `Gap`.

    A server that cannot be reached or logged on to is asked once.
    """

    def __init__(self, name: str, domain: Domain, vault: Vault, *, seconds: float = 10) -> None:
        self._name = name
        self._domain = domain
        self._vault = vault
        self._seconds = seconds
        self._session = Session(name, domain, vault, seconds)
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._administrator: bool | None = None
        self._groups: list[dict[str, Any]] | None = None
        self._failure: WireError | None = None

    def answer(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        """One reply per question, in their order."""
        with self._lock:
            return [self._one(question) for question in asked]

    def close(self) -> None:
        """End the sessions; never raises."""
        self._closed.set()
        self._session.stop()
        if not self._lock.acquire(timeout=self._seconds):
            return
        try:
            self._session.end()
        finally:
            self._lock.release()

    def _one(self, question: Question) -> Answer | Gap:
        moment = datetime.now(UTC).replace(microsecond=0)
        try:
            self._check()
            with self._vault.trying(self._domain.auth):
                rows = self._asked(question)
        except WireError as error:
            if self._closed.is_set():
                return Gap(Reason.INTERRUPTED, _INTERRUPTED, moment)
            if error.reason in FOR_GOOD:
                self._failure = error
            return Gap(error.reason, error.sentence, moment)
        return Answer(rows, f"{self._name} (WinRM)", moment)

    def _check(self) -> None:
        if self._failure:
            raise self._failure
        if self._closed.is_set():
            raise WireError(Reason.INTERRUPTED, _INTERRUPTED)

    def _asked(self, question: Question) -> Rows:
        """What was told, or one reason why not; nothing else is raised."""
        try:
            return self._session.one(lambda: self._told(question))
        except FormatError as error:
            sentence = f"WinRM of {self._name} tells what cannot be: {error}."
            raise WireError(Reason.MALFORMED_REPLY, sentence) from error
        except LIBRARY_ERRORS as error:
            raise explained(error, self._name) from error

    def _told(self, question: Question) -> Rows:
        match question.kind, question.detail:
            case questions.BOOT, ():
                return self._boot()
            case questions.SERVICE, (name,):
                return self._service(name)
            case questions.SHARE, (name,):
                return self._share(name)
            case questions.SAM_DOMAIN, ():
                return self._sam_domains()
            case questions.ALIASES, (domain,):
                return self._aliases(domain)
            case questions.MEMBERS, (group,):
                return self._members(group)
            case questions.REACH, (server, port):
                return self._reach(server, int(port))
            case questions.VMM_OBJECTS, (cmdlet,):
                return self._vmm(cmdlet)
        raise WireError(Reason.NOT_SUPPORTED, f"WinRM does not tell this ({question.kind}).")

    def _boot(self) -> Rows:
        found = self._session.select(cim.CIMV2, "Win32_OperatingSystem", "LastBootUpTime")
        told = _MOMENT.fullmatch(found[0].get("LastBootUpTime", "")) if found else None
        if told is None:
            raise WireError(
                Reason.MALFORMED_REPLY, f"WinRM of {self._name} tells no time of its start."
            )
        moment = datetime.fromisoformat(told[1] + told[2].replace("Z", "+00:00")).astimezone(UTC)
        written = moment.strftime("%Y%m%d%H%M%S.000000+000")
        return (Row("", {"LastBootUpTime": (written.encode(),)}),)

    def _service(self, name: str) -> Rows:
        wanted = ("Name", "StartName", "StartMode", "State")
        found = self._session.select(cim.CIMV2, "Win32_Service", *wanted, Name=name)
        if not found:
            # Services that an account may not query are left out (EnumServicesStatusEx).
            if not self._sees_all():
                raise WireError(
                    Reason.ACCESS_DENIED,
                    f"{self._name} tells of no service {name}, but hides services from whoever "
                    "is no local administrator there.",
                )
            return ()
        if "StartName" not in found[0]:
            raise WireError(
                Reason.ACCESS_DENIED,
                f"{self._name} does not show the account of the service {name} to this account.",
            )
        values = {"account": found[0]["StartName"]}
        for key, word, numbers in (("start", "StartMode", _STARTS), ("state", "State", _STATES)):
            number = numbers.get(found[0].get(word, "").lower())
            values |= {} if number is None else {key: str(number)}
        return (Row("", {key: (value.encode(),) for key, value in values.items()}),)

    def _sees_all(self) -> bool:
        if self._administrator is None:
            told = self._session.run(scripts.RIGHTS)
            self._administrator = [each.get("administrator") for each in told] == [True]
        return self._administrator

    def _share(self, name: str) -> Rows:
        wanted = ("Name", "ScopeName", "Path", "SecurityDescriptor")
        found = self._in_scope(self._session.select(cim.SMB, "MSFT_SmbShare", *wanted, Name=name))
        if not found:
            raise WireError(Reason.NOT_FOUND, f"{self._name} has no share {name}.")
        if len(found) > 1:
            raise WireError(
                Reason.AMBIGUOUS,
                f"{self._name} has several shares {name}, each of another name of a cluster.",
            )
        written = found[0].get("SecurityDescriptor", "")
        if not written:
            raise WireError(
                Reason.ACCESS_DENIED,
                f"{self._name} does not show the permissions of the share {name} to this account.",
            )
        values = {
            "descriptor": (sddl.parse(written),),
            "path": (found[0].get("Path", "").encode(),),
        }
        return (Row(name, values),)

    def _in_scope(self, shares: list[dict[str, str]]) -> list[dict[str, str]]:
        """Those that are reached by the name that is asked; a node tells those of its roles too."""
        names = (self._name.lower(), self._name.lower().partition(".")[0])
        own = [share for share in shares if share.get("ScopeName", "").lower() in names]
        return own or [share for share in shares if share.get("ScopeName", "*") == "*"] or shares

    def _sam_domains(self) -> Rows:
        sids = {sid.rpartition("-")[0] for sid, _, _ in self._local_groups()}
        return tuple(Row("", {"sid": (sid_to_bytes(sid),)}) for sid in sorted(sids))

    def _aliases(self, domain: str) -> Rows:
        return tuple(
            Row(name, {"rid": (sid.rpartition("-")[2].encode(),)})
            for sid, name, _ in self._local_groups()
            if sid.rpartition("-")[0] == domain
        )

    def _members(self, group: str) -> Rows:
        for sid, _, members in self._local_groups():
            if sid == group:
                if members is None:
                    raise WireError(
                        Reason.INCOMPLETE, f"{self._name} could not tell all members of {group}."
                    )
                values = tuple(sid_to_bytes(member) for member in members) or (b"",)
                return (Row("", {"sid": values}),)
        raise WireError(Reason.NOT_FOUND, f"{self._name} has no local group {group}.")

    def _local_groups(self) -> list[tuple[str, str, list[str] | None]]:
        if self._groups is None:
            self._groups = self._session.run(scripts.LOCAL_GROUPS)
        found: list[tuple[str, str, list[str] | None]] = []
        for each in self._groups:
            sid, name, members = each.get("sid"), each.get("name"), each.get("members", "")
            named = isinstance(sid, str) and isinstance(name, str)
            if not (named and (members is None or isinstance(members, list))):
                raise WireError(
                    Reason.MALFORMED_REPLY, f"PowerShell on {self._name} tells no local groups."
                )
            known = None if members is None else [str(member) for member in members]
            found.append((str(sid), str(name), known))
        return found

    def _reach(self, server: str, port: int) -> Rows:
        (found,) = self._session.run(scripts.REACH, server, port) or ({},)
        is_open = found.get("open")
        if not isinstance(is_open, bool):
            raise WireError(
                Reason.MALFORMED_REPLY, f"{self._name} does not tell whether {server} is reached."
            )
        return (Row("", {"open": (b"true" if is_open else b"false",)}),)

    def _vmm(self, cmdlet: str) -> Rows:
        found = scripts.texts(self._session.run(scripts.VMM_OBJECTS, cmdlet))
        if any("problem" in each for each in found):
            raise WireError(
                Reason.NOT_SUPPORTED,
                f"{self._name} has no PowerShell module of VMM; install the VMM console there, or "
                f"hand over what {cmdlet} returns (Export-Clixml).",
            )
        return tuple(
            Row(
                each.get("Name", ""),
                {key: (value.encode(),) for key, value in each.items() if value},
            )
            for each in found
        )
