"""Where requirements and data come from: documents, systems that were asked, exports."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from vmmaudit import questions
from vmmaudit.errors import FormatError
from vmmaudit.evidence import IMPORTED
from vmmaudit.report.document import Facts, Rich
from vmmaudit.report.material import Material, code, text, value
from vmmaudit.report.register import Entry
from vmmaudit.windows.sid import sid_from_bytes

_PLACE: Final = re.compile(r"(.+?)[:,] (.+)|(MS-\w+|KB|RFC \d+|BSI(?: Grundschutz\+\+)?) (.+)")
_EXPORT: Final = re.compile(r"([^,]+? \(SHA-256 [0-9a-f]{64}\))(?:, |$)")


def requirements(material: Material) -> Facts | None:
    """The documents that the applied controls refer to, each with the places in it."""
    places: defaultdict[str, dict[str, None]] = defaultdict(dict)
    applied = {judgement.control for judgement in material.assessment.verdicts}
    for reference in (r for name in applied for r in material.info(name).references):
        found = _PLACE.fullmatch(reference)
        document, place = (found[1] or found[3], found[2] or found[4]) if found else (reference, "")
        places[document].setdefault(place)
    rows = tuple(
        (name, value("; ".join(filter(None, sorted(places[name])))) or text("–"))
        for name in sorted(places, key=str.casefold)
    )
    return Facts(rows) if rows else None


def controllers(material: Material) -> list[str]:
    """The domain controllers that answered."""
    asked = (e for e in material.evidence.entries if e.kind.startswith("ldap."))
    return sorted({entry.source for entry in asked if entry.source and not entry.imported})


def reader(material: Material) -> Rich:
    """The accounts that read, each with its SID where the directory told it.

    With a ticket it is the directory that says who it was; the session on the machine that read
    may have another name.
    """
    scope, who = material.scope, material.evidence.origin.who
    seen = dict(found for domain in scope.domains if (found := _seen(material, domain.name)))
    if who and (not seen or who in {domain.auth.user for domain in scope.domains}):
        seen[who] = _known(material, questions.account_domain(scope, who), who)
    shown: Rich = ()
    for name, sid in sorted(seen.items()):
        shown += (*(text("; ") if shown else ()), *value(name))
        shown += (*text(" ("), *code(sid), *text(")")) if sid else ()
    if who and _short(who) not in map(_short, seen):
        shown += (*text(" · "), *material.say("control", "session", who=who))
    return shown


def _seen(material: Material, domain: str) -> tuple[str, str] | None:
    """As whom a domain sees whoever asks it, and the SID of that account where it was found."""
    told = material.evidence.answers.get(questions.security_context(domain).id)
    if told is None or not told.rows:
        return None
    name = (told.rows[0].first("msDS-PrincipalName") or b"").decode("utf-8", "replace")
    sids = set(told.rows[0].values.get("tokenGroups", ()))
    accounts = {
        raw: f"{(row.first('sAMAccountName') or b'?').decode('utf-8', 'replace')}@{entry.server}"
        for entry in material.evidence.entries
        if entry.kind == questions.SEARCH and entry.id in material.evidence.answers
        for row in material.evidence.answers[entry.id].rows
        if (raw := row.first("objectSid")) in sids and b"user" in row.values.get("objectClass", ())
    }
    if len(accounts) != 1:
        return (name, "") if name else None
    ((sid, account),) = accounts.items()
    return name or account, _sid(sid)


def _known(material: Material, domain: str, who: str) -> str:
    """The SID of an account as its domain told it; empty where it did not."""
    answer = material.evidence.answers.get(questions.account(domain, who).id)
    found = [raw for row in (answer.rows if answer else ()) if (raw := row.first("objectSid"))]
    return _sid(found[0]) if len(found) == 1 else ""


def _short(name: str) -> str:
    r"""The account in `DOMAIN\name` and `name@domain`, whatever the case."""
    return name.rpartition("\\")[2].partition("@")[0].casefold()


def _sid(raw: bytes) -> str:
    try:
        return sid_from_bytes(raw)
    except FormatError:
        return ""


def exports(material: Material) -> list[str]:
    """The files that stand in for answers, each with its digest."""
    imported = (entry.source for entry in material.evidence.entries if entry.imported)
    sources = {source.removeprefix(IMPORTED) for source in imported}
    return sorted({name for source in sources for name in _EXPORT.findall(source)})


def data(material: Material, cited: Iterable[str]) -> Rich:
    """How the evidence for a control was obtained, and the age of its oldest piece."""
    texts = material.texts
    entries = [entry for item in cited if (entry := material.evidence.by_id.get(item))]
    answered = [entry for entry in entries if entry.reason is None]
    times = [entry.at for entry in answered if entry.at]
    if not times:
        return ()
    return material.say(
        "results", "data", ways=_ways(material, answered), moment=texts.moment(min(times))
    )


def _ways(material: Material, entries: Sequence[Entry]) -> tuple[str, ...]:
    found = {"export" if entry.imported else entry.kind.split(".")[0] for entry in entries}
    known = material.texts.labels["way"]
    return tuple(dict.fromkeys(known[way] for way in known if way in found))


def collected(material: Material) -> list[str]:
    """The keys of the sentences that say how the data were obtained."""
    entries = [entry for entry in material.evidence.entries if entry.reason is None]
    if not any(entry.imported for entry in entries):
        return ["read_only"]
    if all(entry.imported for entry in entries):
        return ["exported"]
    return ["read_only", "partly_exported"]
