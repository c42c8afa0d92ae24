"""The world after some changes, made by another road than the product's: an oracle for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from tests.worlds import BOTH, INHERITED, WELL_KNOWN, Ace, Descriptor, Share, World
from vmmaudit.change.changes import (
    AddDelegationTarget,
    AddMember,
    Change,
    ClearControlBit,
    GrantOnFile,
    GrantOnShare,
    RegisterSpn,
    RemoveExpiry,
    RemoveFromFile,
    RemoveFromShare,
    RemoveMember,
    RemoveSpn,
    Restart,
    SetControlBit,
)
from vmmaudit.windows.descriptor import Ace as Entry

_NAMES = {sid: name for name, sid in WELL_KNOWN.items()}


def world_after(world: World, changes: Iterable[Change]) -> World:
    """What the administrators would have, had they done it all; a restart shows nowhere."""
    for change in changes:
        world = _after(world, change)
    return world


def named(shown: str, sid: str = "") -> str:
    """`CONTOSO\\HYPER01$` as a world calls it."""
    return _NAMES.get(sid) or shown.rpartition("\\")[2].rstrip("$")


def _after(world: World, change: Change) -> World:
    match change:
        case AddDelegationTarget(account=account, spn=spn):
            host = world.host(named(account.shown))
            return world.with_host(host.name, delegate_to=(*host.delegate_to, spn))
        case SetControlBit(account=account, bit=0x0100_0000):
            return world.with_host(named(account.shown), any_protocol=True)
        case ClearControlBit(account=account, bit=0x2):
            name = named(account.shown)
            if any(user.name == name for user in world.users):
                return world.with_user(name, enabled=True)
            return world.with_host(name, enabled=True)
        case ClearControlBit(account=account, bit=0x0010_0000):
            return world.with_user(named(account.shown), sensitive=False)
        case RemoveExpiry(account=account):
            return world.with_user(named(account.shown), expires=None)
        case RegisterSpn(account=account, spn=spn):
            library = world.library(named(account.shown))
            return world.with_library(library.name, extra_spns=(*library.extra_spns, spn))
        case RemoveSpn(account=account, spn=spn):
            kept = tuple(
                (name, tuple(s for s in spns if s != spn) if name == named(account.shown) else spns)
                for name, spns in world.other_spns
            )
            return replace(world, other_spns=kept)
        case AddMember(group=group, member=member):
            found = next(g for g in world.groups if g.name == named(group.shown))
            return world.with_group(found.name, members=(*found.members, named(member.shown)))
        case RemoveMember(group=group, member=member):
            found = next(g for g in world.groups if g.name == named(group.shown))
            left = tuple(m for m in found.members if m != named(member.shown))
            return world.with_group(found.name, members=left)
        case Restart():
            return world
    return _on_share(world, change)


def _on_share(world: World, change: Change) -> World:
    unc, share_name = change.share.lstrip("\\").split("\\")
    library = next(found for found in world.libraries if found.named == unc.lower())
    share = next(s for s in library.shares if s.name.lower() == share_name.lower())

    def with_share(**changes: object) -> World:
        return world.with_share(library.name, share.name, **changes)

    match change:
        case GrantOnShare(trustee=trustee, mask=mask):
            entry = Ace(named(trustee.shown), mask)
            return with_share(descriptor=_granted(share.descriptor, entry))
        case RemoveFromShare(entry=entry, trustee=shown):
            return with_share(descriptor=_without(share.descriptor, entry, shown))
        case GrantOnFile(path=path, is_folder=is_folder, trustee=trustee, mask=mask):
            entry = Ace(named(trustee.shown), mask, flags=BOTH if is_folder else 0)
            return with_share(**_changed(share, path, lambda d: _granted(d, entry), _handed(entry)))
        case RemoveFromFile(path=path, entry=entry, trustee=shown):
            return with_share(
                **_changed(
                    share,
                    path,
                    lambda d: _without(d, entry, shown),
                    lambda d, is_folder: _without_inherited(d, entry, shown),
                )
            )
    raise AssertionError(change)


def _changed(
    share: Share,
    path: str,
    here: Callable[[Descriptor], Descriptor],
    below: Callable[[Descriptor, bool], Descriptor],
) -> dict[str, object]:
    """The share with one folder or file changed, and what inherits from it."""
    cut = {item.path for item in share.items if item.descriptor.protected}
    items = []
    for item in share.items:
        inside = not path or item.path.startswith(path + "\\")
        parts = item.path.split("\\")
        between = {"\\".join(parts[: n + 1]) for n in range(len(parts))}
        between -= {p for p in between if path == p or path.startswith(p + "\\")}
        if item.path == path:
            item = replace(item, descriptor=here(item.descriptor))  # noqa: PLW2901
        elif inside and not between & cut:
            item = replace(item, descriptor=below(item.descriptor, item.size is None))  # noqa: PLW2901
        items.append(item)
    root = here(share.root) if not path else share.root
    return {"items": tuple(items), "root": root}


def _granted(descriptor: Descriptor | None, entry: Ace) -> Descriptor | None:
    if descriptor is None or descriptor.aces is None:
        return descriptor
    last = max((i for i, a in enumerate(descriptor.aces) if not a.flags & INHERITED), default=-1)
    aces = (*descriptor.aces[: last + 1], entry, *descriptor.aces[last + 1 :])
    return replace(descriptor, aces=aces)


def _handed(entry: Ace) -> Callable[[Descriptor, bool], Descriptor]:
    def below(descriptor: Descriptor, is_folder: bool) -> Descriptor:
        if descriptor.aces is None:
            return descriptor
        handed = replace(entry, flags=INHERITED | (BOTH if is_folder else 0))
        place = next(
            (i for i, a in enumerate(descriptor.aces) if a.flags & INHERITED and not a.kind),
            len(descriptor.aces),
        )
        aces = (*descriptor.aces[:place], handed, *descriptor.aces[place:])
        return replace(descriptor, aces=aces)

    return below


def _without(descriptor: Descriptor | None, entry: Entry, shown: str) -> Descriptor | None:
    assert descriptor is not None
    assert descriptor.aces is not None
    wanted = Ace(named(shown, entry.sid or ""), entry.mask, entry.type, entry.flags)
    same = [i for i, ace in enumerate(descriptor.aces) if _same(ace, wanted)]
    return replace(descriptor, aces=descriptor.aces[: same[0]] + descriptor.aces[same[0] + 1 :])


def _same(one: Ace, other: Ace) -> bool:
    return (one.trustee.rpartition("\\")[2], one.mask, one.kind, one.flags) == (
        (other.trustee.rpartition("\\")[2], other.mask, other.kind, other.flags)
    )


def _without_inherited(descriptor: Descriptor, entry: Entry, shown: str) -> Descriptor:
    name = named(shown, entry.sid or "").rpartition("\\")[2]
    for index, ace in enumerate(descriptor.aces or ()):
        same = (ace.trustee.rpartition("\\")[2], ace.mask, ace.kind) == (
            (name, entry.mask, entry.type)
        )
        if same and ace.flags & INHERITED:
            aces = descriptor.aces or ()
            return replace(descriptor, aces=aces[:index] + aces[index + 1 :])
    return descriptor
