"""Randomly broken worlds: groups, entries, owners and delegation in all that Samba implements."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests import worlds
from tests.worlds import (
    ALLOW,
    BOTH,
    DENY,
    DOMAIN,
    FULL,
    INHERIT_ONLY,
    INHERITED,
    READ,
    READ_EXECUTE,
    SHARE,
    Ace,
    Alias,
    Descriptor,
    Group,
    Item,
    Library,
    Share,
    World,
    cifs,
)

_WELL_KNOWN = (
    "Everyone",
    "Authenticated Users",
    "NETWORK",
    "CREATOR OWNER",
    "OWNER RIGHTS",
    r"BUILTIN\Administrators",
    r"BUILTIN\Users",
    "Orphan",
)
_MASKS = (
    *(READ, READ, READ_EXECUTE, READ_EXECUTE, FULL, 0x1301BF),
    *(0x1, 0x8, 0x80, 0x20000, 0x100000, READ & ~0x80, READ & ~0x8, READ & ~0x20000),
)
_OPEN_SHARE = Descriptor((Ace("Everyone", READ_EXECUTE),))
_FLAGS = (0, 0, 0, 0, INHERITED, BOTH, INHERIT_ONLY | BOTH)


def random_world(seed: int) -> World:
    """The same seed gives the same world."""
    random = Random(seed)  # noqa: S311 - reproducible, not secret
    groups = _groups(random)
    world = replace(worlds.conforming(), groups=groups)
    for name in ("service.vmm", "run.as"):
        fate = random.choices(("good", "sensitive", "disabled", "expired"), (20, 2, 1, 1))[0]
        world = world.with_user(
            name,
            sensitive=fate == "sensitive",
            enabled=fate != "disabled",
            expires=worlds.MOMENT.replace(year=2020) if fate == "expired" else None,
        )
    for host in world.hosts:
        world = world.with_host(
            host.name,
            delegate_to=_targets(random),
            any_protocol=random.random() < 0.75,
            unconstrained=random.random() < 0.1,
            run_as=random.choice((None, None, "run.as")),
        )
    return replace(world, libraries=tuple(_library(random, lib, world) for lib in world.libraries))


def _groups(random: Random) -> tuple[Group, ...]:
    """The conforming groups, some members gone, and a tangle of others around them."""
    accounts = [*worlds.HOSTS, "service.vmm", "run.as"]
    found: list[Group] = []
    for number in range(8):
        scope = random.choice(("global", "universal", "domain-local"))
        below = [
            group.name
            for group in found
            if scope == "domain-local"
            or (scope == "universal" and group.scope != "domain-local")
            or (scope == "global" and group.scope == "global")
        ]
        members = random.sample(accounts, random.randint(0, 3))
        members += random.sample(below, min(len(below), random.randint(0, 3)))
        found.append(Group(f"R{number}_{scope}", scope, tuple(members)))
    hosts = tuple(h for h in worlds.HOSTS if random.random() < 0.85)
    users = tuple(u for u in ("service.vmm", "run.as") if random.random() < 0.85)
    extra = tuple(random.sample([g.name for g in found], 2)) if random.random() < 0.5 else ()
    return (
        *found,
        Group("GG_HyperV_Hosts", "global", hosts),
        Group("GG_VMM_Accounts", "global", users),
        Group("DL_VMMLib_R", "domain-local", ("GG_HyperV_Hosts", "GG_VMM_Accounts", *extra)),
    )


def _targets(random: Random) -> tuple[str, ...]:
    found: list[str] = []
    for name in worlds.LIBRARIES:
        fqdn, short = cifs(name)
        wrong = (f"HOST/{name.lower()}.{DOMAIN}", f"{fqdn}:445", f"{fqdn}/{DOMAIN}", "cifs/other")
        choice = random.choices(
            ((fqdn, short), (fqdn,), (short,), (random.choice(wrong),), (fqdn.upper(), short), ()),
            (8, 3, 1, 2, 1, 1),
        )[0]
        found += choice
    return tuple(found)


def _library(random: Random, library: Library, world: World) -> Library:
    members = [*worlds.HOSTS, "service.vmm", *(group.name for group in world.groups)]
    aliases = (
        Alias(
            r"BUILTIN\Administrators",
            ("Domain Admins", *random.sample(members, random.randint(0, 1))),
        ),
        Alias(r"BUILTIN\Users", tuple(random.sample(members, random.randint(0, 2)))),
        Alias("ISO-Leser", tuple(random.sample(members, random.randint(0, 3)))),
    )
    trustees = [*members, *_WELL_KNOWN, "ISO-Leser"]
    folder = _descriptor(random, trustees, good=0.9)
    isos = tuple(
        Item(rf"ISOs\datei_{number}.iso", _descriptor(random, trustees, good=0.8), worlds.ISO_SIZE)
        for number in range(random.randint(1, 3))
    )
    items = (Item("ISOs", folder), *isos)
    # Samba lets its Administrators past the share layer (docs/semantics.md, deviation 2), so
    # where others than Domain Admins are among them, the share lets everybody in.
    closed = len(aliases[0].members) == 1
    shared = _share_descriptor(random, trustees) if closed else _OPEN_SHARE
    share = Share(SHARE, shared, folder, items)
    return replace(library, shares=(share,), aliases=aliases)


def _share_descriptor(random: Random, trustees: list[str]) -> Descriptor:
    if random.random() < 0.5:
        return Descriptor((Ace("Everyone", random.choice((READ_EXECUTE, FULL))),))
    found = _descriptor(random, trustees, good=0.85)
    # A NULL DACL on a share is refused to everybody by Samba, unlike Windows (docs/semantics.md).
    return found if found.aces is not None else worlds.SHARE_ACL


def _descriptor(random: Random, trustees: list[str], good: float) -> Descriptor:
    form = random.random()
    if form < 0.03:
        return Descriptor(None)
    if form < 0.06:
        return Descriptor(())
    entries = [
        Ace(
            random.choice(trustees),
            random.choice(_MASKS),
            DENY if random.random() < 0.35 else ALLOW,
            random.choice(_FLAGS),
        )
        for _ in range(random.randint(0, 4))
    ]
    if random.random() < good:
        place = random.randint(0, len(entries))
        entries.insert(
            place, Ace("DL_VMMLib_R", READ_EXECUTE, ALLOW, random.choice((0, INHERITED)))
        )
    # The auditor reads every descriptor: an entry for Domain Admins stands before all others.
    entries.insert(0, Ace("Domain Admins", FULL))
    owner = random.choice((r"BUILTIN\Administrators", *random.sample(trustees[:8], 2)))
    return Descriptor(tuple(entries), owner=owner, protected=random.random() < 0.2)
