"""Every name that stands in a pack, found where names stand: DNs, SPNs, paths, replies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from vmmaudit import questions
from vmmaudit.assessment import Assessment, SubjectKind
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Evidence, Gap, Question
from vmmaudit.pseudonyms.key import fold
from vmmaudit.pseudonyms.words import GENERIC, SUFFIXES, WELL_KNOWN_PREFIXES
from vmmaudit.scope import Scope
from vmmaudit.windows.file_information import decode_entries

_SHORTEST: Final = 3
_RDN: Final = re.compile(
    r"(?:^|(?<!\\),|\+)\s*(CN|OU|DC|O|L|UID)=((?:\\.|[^,+\\])*)", re.IGNORECASE
)
_DN: Final = re.compile(r"(?:CN|OU|DC)=.+,\s*DC=", re.IGNORECASE)
_DNS: Final = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_ACCOUNT: Final = re.compile(r'([\w.&\- ]{2,})\\([^\\/"\[\]:;|=,+*?<>\x00-\x1f]+)')
_MAIL: Final = re.compile(r"[^@\s]+@[\w.-]+\.[\w-]+")
_SPN: Final = re.compile(r"^[\w .-]+/([^/:]+)(?::[^/]+)?(?:/(.+))?$")
_RUN: Final = re.compile(r"[\x20-\x7e\xa0-\u024f\u0370-\u04ff]{3,}")
"""UTF-16 that is most likely a word: Latin, Greek or Cyrillic."""
_UNC: Final = re.compile(r"\\\\([^\\/\s]+)\\([^\\/\r\n]+)((?:\\[^\\/\r\n]+)*)")
_NAME_KEYS: Final = frozenset(
    {"cn", "name", "samaccountname", "displayname", "netbiosname", "flatname", "ou"}
)
_DNS_KEYS: Final = frozenset(
    {"dnshostname", "msds-additionaldnshostname", "trustpartner", "servicednsname"}
)
_SKIPPED: Final = frozenset(
    {"objectclass", "operatingsystem", "operatingsystemversion", "serviceclassname", "keywords"}
)
_FILE_KINDS: Final = (questions.LIST, questions.DESCRIPTOR, questions.SHARE, questions.SHARES)
_LISTED: Final = (questions.ALIASES, questions.LOCAL_NAMES, questions.SAM_DOMAIN)
_REPLIES: Final = (
    *_LISTED, questions.SHARE, questions.SHARES, questions.SERVICE, questions.REGISTRY
)  # fmt: skip
"""Kinds whose replies hold words in UTF-16."""
_DRIVE: Final = re.compile(r"[A-Za-z]:|[A-Za-z]+\$")
_PERSON_WORD: Final = 4


@dataclass
class Names:
    """What was found, without case; `left` are names too short or too common to replace."""

    anywhere: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)

    def add(self, name: str, *, whole: bool = False) -> None:
        """One name, without the `$` of a computer."""
        name = fold(name.strip().rstrip("$").strip())
        if not name or (name.isdecimal() and len(name) <= _SHORTEST):
            return
        if len(name) < _SHORTEST or name in GENERIC:
            self.left.add(name)
        else:
            (self.whole if whole or name.isdecimal() else self.anywhere).add(name)

    def dns(self, name: str) -> None:
        """The labels of a DNS name, but a last one that is everybody's."""
        labels = [label for label in name.lower().strip(".").split(".") if label]
        if labels and all(label.isdecimal() for label in labels):
            return
        for index, label in enumerate(labels):
            if index == len(labels) - 1 and index and label in SUFFIXES:
                continue
            self.add(label)

    def account(self, name: str) -> None:
        r"""`DOMAIN\name`, `name@domain` or a bare name."""
        domain, backslash, rest = name.rpartition("\\")
        if backslash:
            if domain.lower() not in WELL_KNOWN_PREFIXES:
                self.dns(domain)
                self.add(rest)
        elif "@" in name:
            local, _, domain = name.partition("@")
            self.add(local)
            self.dns(domain)
        else:
            self.add(name)

    def person(self, name: str) -> None:
        """A person or an organisation: the whole, and each word of it."""
        self.add(name)
        for word in re.split(r"[\s,;·/()]+", name):
            if len(word) >= _PERSON_WORD:
                self.add(word.strip(".-"), whole=True)

    def dn(self, name: str) -> None:
        """The values of a DN, as they stand there and without their escapes."""
        for found in _RDN.finditer(name):
            if found[1].upper() == "DC":
                if found[2].lower() not in SUFFIXES:
                    self.add(found[2])
                continue
            self.add(found[2])
            self.add(re.sub(r"\\([^0-9A-Fa-f])", r"\1", found[2]))

    def path(self, path: str) -> None:
        """The parts of a path; of the last one what stands before the ending too."""
        for part in re.split(r"[\\/]+", path):
            if part in ("", ".", "..") or _DRIVE.fullmatch(part):
                continue
            stem, dot, _ = part.rpartition(".")
            self.add(stem if dot and stem else part, whole=True)

    def unc(self, text: str) -> None:
        r"""Every `\\server\share\path` in a text."""
        for found in _UNC.finditer(text):
            self.dns(found[1])
            self.path(found[2] + found[3])

    def spn(self, text: str) -> None:
        """The host and, if there is one, the service name of an SPN."""
        found = _SPN.match(text)
        if found:
            self.dns(found[1])
            if found[2]:
                self.dns(found[2])


def harvest(evidence: Evidence, scope: Scope, previous: Assessment | None) -> Names:
    """All names of a pack."""
    names = Names()
    _scope(names, scope)
    replies: tuple[Answer | Gap, ...] = (*evidence.answers.values(), *evidence.gaps.values())
    for reader in sorted({evidence.origin.reader, *(each.by for each in replies if each.by)}):
        names.account(reader.who)
        names.dns(reader.machine)
    for question in (*evidence.answers, *evidence.gaps):
        _question(names, question)
    for question, answer in evidence.answers.items():
        _answer(names, question, answer)
    domains = tuple(f".{domain.name}" for domain in scope.domains)
    for gap in evidence.gaps.values():
        _sentence(names, gap.text, domains)
    if previous:
        _previous(names, previous)
    return names


def _scope(names: Names, scope: Scope) -> None:
    for domain in scope.domains:
        for name in (domain.name, *domain.controllers):
            names.dns(name)
        if domain.auth.user:
            names.account(domain.auth.user)
    for vmm in scope.vmm:
        names.dns(vmm.server)
        if vmm.account:
            names.account(vmm.account)
    for host in scope.hosts:
        names.dns(host.name)
        names.dns(host.cluster or "")
        if host.run_as:
            names.account(host.run_as)
    for library in scope.libraries:
        names.dns(library.server or "")
        names.unc(library.share)
    people = [name for p in scope.people for name in (p.name, p.organisation)]
    people += [name for w in scope.waivers for name in (w.owner, w.approver)]
    for name in (*people, scope.audit.client, scope.branding.sender):
        names.person(name)


def _question(names: Names, question: Question) -> None:
    names.dns(question.server)
    if question.kind in _FILE_KINDS:
        names.path("\\".join(question.detail))
    elif question.kind in (questions.SEARCH, questions.CONTROLLER):
        for part in question.detail:
            if _DN.search(part) and not part.startswith("("):
                names.dn(part)


def _answer(names: Names, question: Question, answer: Answer) -> None:
    names.dns(answer.source)
    for row in answer.rows:
        if _DN.search(row.name):
            names.dn(row.name)
        elif question.kind in _LISTED:
            names.add(row.name)
        for key, values in row.values.items():
            if key.lower() in _SKIPPED:
                continue
            person = key.lower() == "cn" and b"user" in row.values.get("objectClass", ())
            for value in values:
                _value(names, question, key.lower(), value, person=person)


def _value(names: Names, question: Question, key: str, value: bytes, *, person: bool) -> None:
    if question.kind == questions.LIST and key == "entries":
        _entries(names, value)
        return
    texts = _texts(value) if question.kind in _REPLIES else _plain(value)
    for text in texts:
        if key in _NAME_KEYS:
            (names.person if person else names.add)(text)
        elif key in _DNS_KEYS:
            names.dns(text)
        elif key == "userprincipalname":
            names.account(text)
        elif key in ("serviceprincipalname", "msds-allowedtodelegateto"):
            names.spn(text)
        elif _DN.search(text):
            names.dn(text)
        elif question.kind in _FILE_KINDS:
            names.path(text)
        elif question.kind in _LISTED and key == "reply":
            names.account(text)
        else:
            _loose(names, text)


def _loose(names: Names, text: str) -> None:
    r"""A text of unknown form: accounts `DOMAIN\name`, shares, SPNs and people@somewhere in it."""
    names.unc(text)
    if re.match(r"^[A-Za-z]:\\|^\"?%|^\\\\", text):
        return
    if _ACCOUNT.fullmatch(text) or _MAIL.fullmatch(text):
        names.account(text)
    else:
        names.spn(text)


def _entries(names: Names, value: bytes) -> None:
    try:
        for entry in decode_entries(value):
            names.path(entry.name)
    except FormatError:
        for text in _texts(value):
            names.path(text)


def _plain(value: bytes) -> Iterator[str]:
    """A value as text, if it is one."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return
    if "\0" not in text:
        yield text


def _texts(value: bytes) -> Iterator[str]:
    """A value as text; or what in a server's reply can be read as UTF-16."""
    found = list(_plain(value))
    yield from found
    if found:
        return
    # NDR aligns strings (C706 14.2.2), so none begins at an odd place.
    yield from _RUN.findall(value[: len(value) // 2 * 2].decode("utf-16-le", "replace"))


def _sentence(names: Names, text: str, domains: Iterable[str]) -> None:
    for found in _DNS.finditer(text):
        if found[0].lower().endswith(tuple(domains)):
            names.dns(found[0])
    names.unc(text)
    if _DN.search(text):
        names.dn(text[text.upper().index("=") - 2 :])


def _previous(names: Names, previous: Assessment) -> None:
    for judgement in previous.verdicts:
        for part in (*judgement.subject.id.split(" -> "), *judgement.subject.name.split(" → ")):
            if judgement.subject.kind is not SubjectKind.AUDIT:
                _subject(names, part)
        if judgement.waiver:
            names.person(judgement.waiver.owner)
            names.person(judgement.waiver.approver)
    for pair in previous.readiness:
        names.dns(pair.host)
        names.unc(pair.share)
        names.account(pair.account)
        names.dns(pair.library)


def _subject(names: Names, part: str) -> None:
    if part.startswith("\\\\"):
        names.unc(part)
    elif "\\" in part or "@" in part:
        names.account(part)
    else:
        names.dns(part)
