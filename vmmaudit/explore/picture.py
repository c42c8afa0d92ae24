"""The chain of one host and one ISO image as a picture, which an Explanation has as words.

Every link is a row: whoever acts, the groups that lead on, the entry or attribute that
decides, and what is to be opened. A broken link is a broken arrow with a cross, so the
picture can be read without colours; the same in words is the picture's description.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from vmmaudit.assessment import Ternary
from vmmaudit.change.goal import DELEGATABLE, DELEGATION, IN_FORCE
from vmmaudit.controls.texts import Texts
from vmmaudit.display import framed, safe, visible
from vmmaudit.explain import Explanation
from vmmaudit.explain.chain import Entry, Step
from vmmaudit.explain.shown import mended, page, told, verdict
from vmmaudit.explore.drawing import Box, Row, draw
from vmmaudit.explore.permissions import in_words
from vmmaudit.facts import Holding

if TYPE_CHECKING:
    import pandas as pd

_ENTRIES: Final = 3
_ATTRIBUTES: Final = {
    (DELEGATION, ""): "msDS-AllowedToDelegateTo",
    (DELEGATION, "LIST_EMPTY"): "msDS-AllowedToDelegateTo",
    (DELEGATION, "NOT_LISTED"): "msDS-AllowedToDelegateTo",
    (DELEGATION, "KERBEROS_ONLY"): "TRUSTED_TO_AUTH_FOR_DELEGATION",
    (DELEGATION, "RBCD"): "msDS-AllowedToActOnBehalfOfOtherIdentity",
    (DELEGATION, "RBCD_UNDECIDABLE"): "msDS-AllowedToActOnBehalfOfOtherIdentity",
    (DELEGATION, "HOST_DISABLED"): "ACCOUNTDISABLE",
    (DELEGATION, "NO_SPN"): "servicePrincipalName",
    (DELEGATION, "DUPLICATE_SPN"): "servicePrincipalName",
    (DELEGATION, "OTHER_OWNER"): "servicePrincipalName",
    (DELEGATION, "OWNER_DISABLED"): "ACCOUNTDISABLE",
    (DELEGATABLE, ""): "userAccountControl",
    (DELEGATABLE, "SENSITIVE"): "NOT_DELEGATED",
    (DELEGATABLE, "DISABLED"): "ACCOUNTDISABLE",
    (DELEGATABLE, "EXPIRED"): "accountExpires",
    (DELEGATABLE, "LOCKED_OUT"): "lockoutTime",
    (DELEGATABLE, "PROTECTED_USER"): "Protected Users",
    (DELEGATABLE, "AUTHENTICATION_POLICY"): "msDS-AssignedAuthNPolicy",
}
"""The attribute, flag (MS-ADTS 2.2.16) or group that decides a link, by its code."""


@dataclass(frozen=True)
class Picture:
    r"""An explanation that draws itself.

    In a notebook the last line `audit.explain("HYPER07", r"\\library01\share\ISOs\x.iso")`
    shows the chain, the table of its links, and what would mend it. Elsewhere:

    picture.svg                 # the drawing, for a file or a ticket
    picture.to_frame()          # one row per link, as a DataFrame
    picture.explanation.ready   # yes, no or unknown
    picture.explanation.needed  # the smallest set of changes that mends it
    print(picture)              # all of it as text
    """

    explanation: Explanation
    texts: Texts

    @cached_property
    def svg(self) -> str:
        """The drawing as SVG with title and description; it needs nothing from outside."""
        explanation = self.explanation
        values = {"host": explanation.host, "unc": explanation.unc}
        title = self.texts.fill(self.texts.word("explore", "picture", "title"), values)
        return draw(
            visible(title),
            visible(verdict(explanation, self.texts)),
            explanation.in_words(self.texts.language),
            _tone(explanation),
            list(rows(explanation, self.texts)),
            self.texts.word("explore", "picture", "key"),
        )

    def to_frame(self) -> pd.DataFrame:
        """One row per link."""
        return self.explanation.to_frame()

    def __str__(self) -> str:
        return self.explanation.in_words(self.texts.language)

    def markup(self) -> str:
        """The drawing, and under it the same in words with what would mend it, for a frame."""
        words = page(self.explanation, self.texts)
        label = safe(self.texts.word("explore", "in_words"))
        needed = mended(self.explanation, self.texts)
        return f"{self.svg}<details><summary>{label}</summary>{words}</details>{needed}"

    def _repr_html_(self) -> str:
        return framed(self.markup(), language=self.texts.language)

    def __repr__(self) -> str:
        return str(self)


def _tone(explanation: Explanation) -> Ternary:
    return Ternary.all([explanation.ready, explanation.in_force])


def rows(explanation: Explanation, texts: Texts) -> Iterator[Row]:
    """What is drawn: one row per link, in the order in which a chain is said to break."""
    for step, line in zip(explanation.steps, told(explanation, texts), strict=True):
        yield Row(
            state=line.state,
            title=line.title,
            control=line.control,
            lines=tuple(_lines(explanation, step, texts)),
            sentence=line.sentence,
        )


def _lines(explanation: Explanation, step: Step, texts: Texts) -> Iterator[tuple[Box, ...]]:
    if step.name in (DELEGATION, DELEGATABLE, IN_FORCE):
        yield tuple(_attribute(explanation, step, texts))
        return
    who, _, layer = step.name.partition("_")
    target = _target(explanation, layer, texts)
    if not step.entries:
        yield (_identity(explanation, who, texts), _gap(step, texts), target)
    for entry in step.entries[:_ENTRIES]:
        way = tuple(_way(entry, who, texts))
        yield (*way, _entry(entry, texts), target)
    if len(step.entries) > _ENTRIES:
        count = {"number": len(step.entries) - _ENTRIES}
        yield (Box("more", "", texts.fill(texts.word("explore", "picture", "more"), count)),)


def _identity(explanation: Explanation, who: str, texts: Texts) -> Box:
    name = explanation.account if who == "account" else explanation.host
    return _named("identity", _part(texts, f"identity_{who}"), name or "?")


def _named(kind: str, label: str, shown: str) -> Box:
    r"""A box for `DOMAIN\name`, the domain beside the label."""
    domain, _, name = shown.rpartition("\\")
    return Box(kind, f"{label} · {visible(domain)}" if domain else label, visible(name))


def _gap(step: Step, texts: Texts) -> Box:
    if step.link.state is Ternary.NO:
        return Box("gap", texts.word("explore", "part", "entry"), _part(texts, "no_entry"), False)
    if step.link.state is Ternary.YES:  # no list at all: everybody may
        return Box("entry", texts.word("explore", "part", "entry"), "–", True)
    return Box("gap", texts.word("explore", "part", "entry"), "?", None)


def _way(entry: Entry, who: str, texts: Texts) -> Iterator[Box]:
    last = len(entry.path) - 1
    for position, name in enumerate(entry.path):
        if position == 0:
            kind = f"identity_{who}"
        elif position == last and entry.held is Holding.NETWORK_LOGON:
            kind = "everybody"
        else:
            kind = "group"
        yield _named(kind.partition("_")[0], _part(texts, kind), name)


def _entry(entry: Entry, texts: Texts) -> Box:
    effect = texts.word("explain", "allows" if entry.allows else "denies")
    return Box("entry", _part(texts, "entry"), f"{effect}: {in_words(entry.mask, texts)}",
               entry.allows, visible(_origin(entry, texts)))  # fmt: skip


def _origin(entry: Entry, texts: Texts) -> str:
    if not entry.inherited:
        return texts.word("explain", "own")
    if entry.folder is None:
        return texts.word("explain", "inherited_unknown")
    folder = entry.folder or texts.word("explain", "root")
    return texts.fill(texts.word("explain", "inherited"), {"folder": folder})


def _target(explanation: Explanation, layer: str, texts: Texts) -> Box:
    library = explanation.goal.library
    if layer == "share":
        label = f"{_part(texts, layer)} · {library.unc_name}"
        return Box("target", visible(label), visible(library.share_name))
    name = explanation.goal.path.rpartition("\\")[2]
    return Box("target", _part(texts, layer), visible(name), None, visible(explanation.unc), True)


def _attribute(explanation: Explanation, step: Step, texts: Texts) -> Iterator[Box]:
    """The links that attributes decide: who, which attribute, and for which service."""
    who = "account" if step.name == DELEGATABLE else "host"
    yield _identity(explanation, who, texts)
    holds = None if step.link.state is Ternary.UNKNOWN else step.link.state is Ternary.YES
    if step.name == IN_FORCE:
        started = step.link.values.get("booted")
        name = texts.written("booted", step.link.values) if started else "?"
        yield Box("entry", _part(texts, "restart"), visible(name), holds)
        return
    attribute = _ATTRIBUTES.get((step.name, step.link.code))
    if attribute:
        yield Box("entry", _part(texts, "attribute"), attribute, holds)
    if step.name == DELEGATION:
        service = f"cifs/{explanation.goal.library.unc_name}"
        yield Box("target", _part(texts, "service"), visible(service))


def _part(texts: Texts, name: str) -> str:
    return texts.word("explore", "part", name)
