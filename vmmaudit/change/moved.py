"""Which attributes and entries moved between two packs: the proof that a change did what it should.

Compared is what was read of every object in both; what moves by itself (times, counters,
replication metadata) and what follows from something else (token groups) is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from vmmaudit import questions
from vmmaudit.assessment import Ternary
from vmmaudit.change.membership import left
from vmmaudit.change.plan import EntryStep, ListStep, MemberStep, NumberStep, Plan, Step
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Evidence, Question
from vmmaudit.facts import replies
from vmmaudit.windows.descriptor import decode
from vmmaudit.windows.sid import sid_from_bytes

_BY_ITSELF: Final = frozenset(
    {
        "currenttime",
        "lastlogontimestamp",
        "msds-replvaluemetadata",
        "replpropertymetadata",
        "tokengroups",
        "tokengroupsglobalanduniversal",
        "whenchanged",
    }
)
_SIDS: Final = frozenset({"objectsid", "sidhistory"})
ENTRIES: Final = "entries"
MEMBERS: Final = "local members"
OWNER: Final = "owner"
WHOLE: Final = (ENTRIES, MEMBERS, OWNER)
"""What moves that is no attribute of the directory."""
_OF_SHARE: Final = " (share)"
_MAY_ACT: Final = "msDS-AllowedToActOnBehalfOfOtherIdentity"

_WAYS: Final = (questions.LIST, questions.SAM_DOMAIN, questions.ALIASES)
"""Whose answers name what is asked for next."""

Key: TypeAlias = tuple[str, str]
"""The object (DN or UNC) and what of it."""


@dataclass(frozen=True, slots=True, order=True)
class Moved:
    r"""One attribute, list of entries or local group that is not what it was.

    Attributes:
        place: DN of an object, UNC of a share, folder or file, or `server\group SID`.
        what: the attribute's LDAP name, or `entries`, `owner`, `local members`.
        gone: values that were there before; `new` those that are there now.
        planned: whether a plan says that exactly this should move; None without a plan.
    """

    place: str
    what: str
    gone: tuple[str, ...]
    new: tuple[str, ...]
    planned: bool | None = None


def moved(before: Evidence, after: Evidence, plan: Plan | None = None) -> tuple[Moved, ...]:
    """Everything that was read in both and is different, sorted by place."""
    ours, theirs = _values(before), _values(after)
    found = []
    for key in ours.keys() & theirs.keys():
        old, new = ours[key], theirs[key]
        if sorted(old) != sorted(new) or (key[1] == ENTRIES and old != new):
            found += _differences(key, _without(old, new), _without(new, old))
    for group, member in left(before, after, _groups_only_in(ours, theirs)):
        found.append(Moved(group, "member", (member,), ()))
    for group, member in left(after, before, _groups_only_in(theirs, ours)):
        found.append(Moved(group, "member", (), (member,)))
    return tuple(sorted(found if plan is None else [_judged(one, plan) for one in found]))


def unread(before: Evidence, after: Evidence) -> tuple[Key, ...]:
    """What was read in one of two packs and refused in the other, sorted by place."""
    ours, theirs = _values(before), _values(after)
    lost = _refused(before, after) - theirs.keys()
    return tuple(sorted(lost | (_refused(after, before) - ours.keys())))


def _refused(read: Evidence, refused: Evidence) -> set[Key]:
    """What one pack read and the other was refused: asked in vain, or not asked for that reason."""
    closed = read.answers.keys() & refused.gaps.keys()
    ways = [question for question in closed if question.kind in _WAYS]
    lost = [
        question
        for question in read.answers.keys() - refused.answers.keys()
        if question in closed or any(_leads(way, question) for way in ways)
    ]
    return {key for question in lost for key, _ in _of_answer(question, read.answers[question])}


def _leads(way: Question, question: Question) -> bool:
    """Whether the answer to one question is what the other one comes from."""
    if way.server != question.server:
        return False
    if way.kind != questions.LIST:
        return question.kind == questions.MEMBERS
    share, folder = way.detail
    if question.kind != questions.DESCRIPTOR or question.detail[0] != share:
        return False
    return not folder or question.detail[1].startswith(f"{folder}\\")


def _groups_only_in(
    ours: Mapping[Key, tuple[str, ...]], theirs: Mapping[Key, tuple[str, ...]]
) -> dict[str, tuple[str, tuple[str, ...]]]:
    """SID and members of the groups that one of two packs read, by DN."""
    return {
        place: (ours[place, "objectSid"][0], members)
        for (place, what), members in ours.items()
        if what == "member" and (place, what) not in theirs and ours.get((place, "objectSid"))
    }


def _differences(key: Key, gone: tuple[str, ...], new: tuple[str, ...]) -> list[Moved]:
    """One, but each membership by itself: they are separate steps of separate people."""
    if key[1] != "member":
        return [Moved(*key, gone, new)]
    return [
        *(Moved(*key, (member,), ()) for member in gone),
        *(Moved(*key, (), (member,)) for member in new),
    ]


def _without(values: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `values` that `others` has not, each as often as it is more."""
    left = list(others)
    found = []
    for value in values:
        if value in left:
            left.remove(value)
        else:
            found.append(value)
    return tuple(found)


def _values(evidence: Evidence) -> dict[Key, tuple[str, ...]]:
    found: dict[Key, tuple[str, ...]] = {}
    for question, answer in evidence.answers.items():
        found |= dict(_of_answer(question, answer))
    return found


def _of_answer(question: Question, answer: Answer) -> Iterator[tuple[Key, tuple[str, ...]]]:
    try:
        if question.kind == questions.SEARCH:
            yield from _of_directory(question, answer)
        elif question.kind == questions.DESCRIPTOR:
            share, path = question.detail
            place = rf"\\{question.server}\{share}" + (f"\\{path}" if path else "")
            yield from _of_descriptor(place, answer.rows[0].first("descriptor") or b"")
        elif question.kind == questions.SHARE:
            found, told = replies.share(answer, question.detail[0])
            place = rf"\\{question.server}\{question.detail[0]}{_OF_SHARE}"
            if told:
                yield from _of_descriptor(place, found.descriptor or b"")
        elif question.kind == questions.MEMBERS:
            sids = replies.members(answer)
            yield (rf"{question.server}\{question.detail[0]}", MEMBERS), tuple(sorted(sids))
    except (FormatError, IndexError):
        return


def _of_directory(question: Question, answer: Answer) -> Iterator[tuple[Key, tuple[str, ...]]]:
    asked = [name for name in question.detail[3].split(",") if name.lower() not in _BY_ITSELF]
    for row in answer.rows:
        if not row.name:
            continue
        values = {key.lower(): found for key, found in row.values.items()}
        for name in asked:
            shown = (_shown(name, value) for value in values.get(name.lower(), ()))
            yield (row.name, name), tuple(sorted(shown))


def _of_descriptor(place: str, data: bytes) -> Iterator[tuple[Key, tuple[str, ...]]]:
    if not data:
        yield (place, ENTRIES), ()
        return
    found = decode(data)
    yield (
        (place, ENTRIES),
        tuple(
            f"{'allow' if ace.allows else 'deny' if ace.denies else f'type {ace.type}'} "
            f"{ace.sid} 0x{ace.mask:x} flags 0x{ace.flags:x}"
            for ace in found.aces
        ),
    )
    yield (place, OWNER), (found.owner or "",)


def _shown(name: str, value: bytes) -> str:
    if name.lower() in _SIDS:
        try:
            return sid_from_bytes(value)
        except FormatError:
            return value.hex()
    text = value.decode("utf-8", "replace")
    return value.hex() if "\ufffd" in text or "\0" in text else text


def _judged(found: Moved, plan: Plan) -> Moved:
    planned = any(_is_planned(found, step) for step in plan.steps)
    return Moved(found.place, found.what, found.gone, found.new, planned)


def _is_planned(found: Moved, step: Step) -> bool:
    """Whether exactly this difference is what a step makes, or what a folder hands down."""
    place, gone, new = found.place.lower(), _lower(found.gone), _lower(found.new)
    match step:
        case ListStep(account=account, attribute=attribute, add=add, remove=remove):
            same = place == account.dn.lower() and found.what == attribute
            return same and gone == _lower(remove) and new == _lower(add)
        case NumberStep(account=account, attribute=attribute, before=before, after=after):
            same = place == account.dn.lower() and found.what == attribute
            return same and gone == {str(before)} and new == {str(after)}
        case MemberStep(group=group, member=member, joins=joins):
            same = place == group.dn.lower() and found.what == "member"
            who = {member.dn.lower()}
            return same and (gone, new) == ((set(), who) if joins else (who, set()))
        case EntryStep():
            if step.layer == "directory":
                return (place, found.what) == (step.place.lower(), _MAY_ACT)
            return found.what == ENTRIES and _is_of_step(place, gone, new, step)
    return False


def _is_of_step(place: str, gone: set[str], new: set[str], step: EntryStep) -> bool:
    own = _as_asked(step)
    less, more = (
        {(ace.allows, ace.sid, ace.mask) for ace in aces if ace not in others}
        for aces, others in ((step.before, step.after), (step.after, step.before))
    )
    if place != own and not (step.layer == "folder" and place.startswith(own + "\\")):
        return False
    return _effects(gone) <= less and _effects(new) <= more


def _effects(shown: Iterable[str]) -> set[tuple[bool, str | None, int]]:
    """Entries as shown above, without their flags, which inheritance changes."""
    parts = (text.split() for text in shown)
    return {(kind == "allow", sid.upper(), int(mask, 16)) for kind, sid, mask, *_ in parts}


def _lower(values: Iterable[str]) -> set[str]:
    return {value.lower() for value in values}


def _key(step: Step) -> Key:
    """What a step changes, as it is read."""
    match step:
        case (
            ListStep(account=account, attribute=attribute)
            | NumberStep(account=account, attribute=attribute)
        ):
            return account.dn.lower(), attribute
        case MemberStep(group=group):
            return group.dn.lower(), "member"
        case EntryStep() if step.layer == "directory":
            return step.place.lower(), _MAY_ACT
        case EntryStep():
            return _as_asked(step), ENTRIES
    return step.host.lower(), ""


def _as_asked(step: EntryStep) -> str:
    """A share, folder or file under the full name by which its server is asked."""
    _, _, _, share, *path = step.place.split("\\")
    place = "\\".join(["", "", step.server, share, *path]).lower()
    return place + (_OF_SHARE if step.layer == "share" else "")


def unplanned(found: Iterable[Moved]) -> tuple[Moved, ...]:
    """Those that no step of the plan explains."""
    return tuple(one for one in found if one.planned is False)


def missing(found: Iterable[Moved], plan: Plan) -> tuple[Step, ...]:
    """Steps of a plan of which nothing moved: not made, or made before the first pack."""
    known = list(found)
    written = (step for step in plan.steps if not _is_restart(step))
    return tuple(step for step in written if not any(_is_planned(one, step) for one in known))


def outcome(found: Iterable[Moved], missing: Iterable[Step], unread: Collection[Key]) -> Ternary:
    """Whether all that was planned moved and nothing else, as far as both packs tell."""
    unseen = {(place.lower(), what) for place, what in unread}
    if any(not one.planned for one in found) or any(_key(step) not in unseen for step in missing):
        return Ternary.NO
    return Ternary.UNKNOWN if unseen else Ternary.YES


def _is_restart(step: Step) -> bool:
    return not isinstance(step, (ListStep, NumberStep, MemberStep, EntryStep))
