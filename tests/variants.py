"""One change each: what it flips, and which link it breaks first.

`flips` lists every verdict that differs from the conforming world, as
(control, start of the subject's id, verdict); `broken` the chains that are not ready.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tests import worlds
from tests.worlds import (
    BOTH,
    CHANGE,
    DENY,
    DOMAIN,
    FILE_ACL,
    FULL,
    INHERITED,
    READ,
    READ_EXECUTE,
    SHARE,
    SHARE_ACL,
    Ace,
    Alias,
    Descriptor,
    Group,
    Library,
    World,
    cifs,
)

GOOD = worlds.conforming()
ISO = worlds.ISO
LIB1 = rf"\\library01.{DOMAIN}\{SHARE.lower()}"
LIB2 = rf"\\library02.{DOMAIN}\{SHARE.lower()}"
ACCOUNT = r"contoso\service.vmm"
ALL_HOSTS = tuple(f"{name.lower()}.{DOMAIN}" for name in worlds.HOSTS)


@dataclass(frozen=True)
class Variant:
    """A changed world, and exactly what follows from the change."""

    name: str
    world: World
    flips: frozenset[tuple[str, str, str]]
    broken: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    live: bool = True
    """Whether Samba can show it."""


def host(number: int) -> str:
    return f"hyper{number:02}.{DOMAIN}"


def pair(number: int, share: str) -> str:
    return f"{host(number)} -> {share}"


def fails(
    *controls_and_subjects: tuple[str, str], verdict: str = "FAIL"
) -> frozenset[tuple[str, str, str]]:
    return frozenset((control, subject, verdict) for control, subject in controls_and_subjects)


def _aces(descriptor: Descriptor) -> tuple[Ace, ...]:
    return descriptor.aces or ()


def _every_account_pair(controls: tuple[str, ...]) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(name, share): controls for name in ALL_HOSTS for share in (LIB1, LIB2)}


def _with_file(descriptor: Descriptor) -> World:
    return GOOD.with_item("LIBRARY01", SHARE, ISO, descriptor=descriptor)


def _alias_world() -> World:
    """Host and account read through a local group of the server alone."""
    alias = Alias("ISO-Leser", ("GG_HyperV_Hosts", "GG_VMM_Accounts"))
    entries = Descriptor((*_aces(FILE_ACL)[:2], Ace("ISO-Leser", READ_EXECUTE)))
    library = GOOD.library("LIBRARY01")
    world = GOOD.with_library("LIBRARY01", aliases=(*library.aliases, alias))
    for item in library.shares[0].items:
        if item.size is not None:
            world = world.with_item("LIBRARY01", SHARE, item.path, descriptor=entries)
    return world


def _deeply_nested() -> World:
    groups = (
        Group("GG_A", "global", worlds.HOSTS),
        Group("GU_B", "universal", ("GG_A",)),
        Group("DL_C", "domain-local", ("GU_B",)),
        Group("GG_VMM_Accounts", "global", ("service.vmm", "run.as", "VMM01")),
        Group("DL_VMMLib_R", "domain-local", ("DL_C", "GG_VMM_Accounts")),
    )
    return replace(GOOD, groups=groups)


def _alias_name() -> World:
    """VMM knows the server by a name that nobody registered."""
    return GOOD.with_library("LIBRARY01", unc_name=f"iso.{DOMAIN}")


_ISO_SHARE = rf"\\iso.{DOMAIN}\{SHARE.lower()}"

VARIANTS: tuple[Variant, ...] = (
    Variant(
        "kerberos-only",
        GOOD.with_host("HYPER03", any_protocol=False),
        fails(("DEL-02", pair(3, LIB1)), ("DEL-02", pair(3, LIB2))),
        {(host(3), LIB1): ("DEL-02",), (host(3), LIB2): ("DEL-02",)},
    ),
    Variant(
        "one-library-missing-from-the-list",
        GOOD.with_host("HYPER02", delegate_to=cifs("LIBRARY01")),
        fails(("DEL-01", pair(2, LIB2))),
        {(host(2), LIB2): ("DEL-01",)},
    ),
    Variant(
        "short-name-only",
        GOOD.with_host("HYPER05", delegate_to=("cifs/LIBRARY01", *cifs("LIBRARY02"))),
        fails(("DEL-01", pair(5, LIB1))),
        {(host(5), LIB1): ("DEL-01",)},
    ),
    Variant(
        "other-form-missing",
        GOOD.with_host("HYPER05", delegate_to=(cifs("LIBRARY01")[0], *cifs("LIBRARY02"))),
        fails(("DEL-01", pair(5, LIB1)), verdict="WARN"),
    ),
    Variant(
        "no-delegation-at-all",
        GOOD.with_host("HYPER04", delegate_to=(), any_protocol=False),
        fails(
            *((control, pair(4, lib)) for control in ("DEL-01", "DEL-02") for lib in (LIB1, LIB2))
        ),
        {(host(4), lib): ("DEL-01", "DEL-02") for lib in (LIB1, LIB2)},
    ),
    Variant(
        "unconstrained",
        GOOD.with_host("HYPER06", unconstrained=True),
        fails(("DEL-03", host(6))),
    ),
    Variant(
        "host-disabled",
        GOOD.with_host("HYPER07", enabled=False),
        fails(("DEL-01", pair(7, LIB1)), ("DEL-01", pair(7, LIB2)), ("DEL-07", host(7))),
        {(host(7), LIB1): ("DEL-01",), (host(7), LIB2): ("DEL-01",)},
    ),
    Variant(
        "account-sensitive",
        GOOD.with_user("service.vmm", sensitive=True),
        fails(("ACC-06", ACCOUNT)),
        _every_account_pair(("ACC-06",)),
    ),
    Variant(
        "account-disabled",
        GOOD.with_user("service.vmm", enabled=False),
        fails(("ACC-02", ACCOUNT)),
        _every_account_pair(("ACC-02",)),
    ),
    Variant(
        "account-expired",
        GOOD.with_user("service.vmm", expires=worlds.MOMENT.replace(year=2020)),
        fails(("ACC-02", ACCOUNT)),
        _every_account_pair(("ACC-02",)),
    ),
    Variant(
        "host-not-in-the-group",
        GOOD.with_group("GG_HyperV_Hosts", members=worlds.HOSTS[:6]),
        fails(*((c, pair(7, lib)) for c in ("PRM-01", "PRM-04") for lib in (LIB1, LIB2))),
        {(host(7), lib): ("PRM-01", "PRM-04") for lib in (LIB1, LIB2)},
    ),
    Variant(
        "account-not-in-the-group",
        GOOD.with_group("GG_VMM_Accounts", members=("run.as", "VMM01")),
        fails(*((c, f"{ACCOUNT} -> {lib}") for c in ("PRM-03", "PRM-06") for lib in (LIB1, LIB2))),
        _every_account_pair(("PRM-03", "PRM-06")),
    ),
    Variant(
        "vmm-server-not-in-the-group",
        GOOD.with_group("GG_VMM_Accounts", members=("service.vmm", "run.as")),
        fails(
            *(
                (c, f"vmm01.{DOMAIN} -> {lib}")
                for c in ("PRM-02", "PRM-05")
                for lib in (LIB1, LIB2)
            ),
            verdict="WARN",
        ),
    ),
    Variant(
        "file-denies-a-host",
        _with_file(Descriptor((Ace("HYPER01", READ, DENY), *_aces(FILE_ACL)))),
        fails(("PRM-04", pair(1, LIB1)), ("PRM-09", pair(1, LIB1))),
        {(host(1), LIB1): ("PRM-04", "PRM-09")},
    ),
    Variant(
        "deny-without-effect",
        _with_file(Descriptor((*_aces(FILE_ACL), Ace("HYPER01", READ, DENY, INHERITED)))),
        fails(("PRM-11", LIB1), verdict="WARN"),
    ),
    Variant(
        "share-denies-a-host",
        GOOD.with_share(
            "LIBRARY02",
            SHARE,
            descriptor=Descriptor((Ace("HYPER02", READ, DENY), *_aces(SHARE_ACL))),
        ),
        fails(("PRM-01", pair(2, LIB2)), ("PRM-09", pair(2, LIB2))),
        {(host(2), LIB2): ("PRM-01", "PRM-09")},
    ),
    Variant(
        "moved-file-kept-its-old-permissions",
        _with_file(Descriptor((*_aces(FILE_ACL)[:2], Ace("Domain Admins", FULL)))),
        fails(
            ("PRM-11", LIB1),
            ("PRM-12", LIB1),
            ("PRM-05", f"vmm01.{DOMAIN} -> {LIB1}"),
            verdict="WARN",
        )
        | fails(
            ("PRM-06", f"{ACCOUNT} -> {LIB1}"),
            *(("PRM-04", f"{name} -> {LIB1}") for name in ALL_HOSTS),
        ),
        {(name, LIB1): ("PRM-06", "PRM-04") for name in ALL_HOSTS},
    ),
    Variant(
        "through-a-local-group",
        _alias_world(),
        fails(("PRM-11", LIB1), ("PRM-12", LIB1), verdict="WARN"),
    ),
    Variant("deeply-nested-groups", _deeply_nested(), frozenset()),
    Variant(
        "system-lacks-full-control-of-the-share",
        GOOD.with_share(
            "LIBRARY01", SHARE, descriptor=Descriptor((Ace("DL_VMMLib_R", READ_EXECUTE),))
        ),
        fails(("LIB-05", LIB1)),
    ),
    Variant(
        "folders-missing",
        GOOD.with_share(
            "LIBRARY02",
            SHARE,
            items=tuple(
                item
                for item in GOOD.library("LIBRARY02").shares[0].items
                if item.path not in ("Scripts", "VHDs")
            ),
        ),
        fails(("LIB-02", LIB2), verdict="WARN"),
    ),
    Variant(
        "everyone-may-change",
        _with_file(Descriptor((*_aces(FILE_ACL), Ace("Everyone", CHANGE)))).with_share(
            "LIBRARY01", SHARE, descriptor=Descriptor((Ace("Everyone", FULL),))
        ),
        fails(("PRM-12", LIB1), verdict="WARN")
        | fails(("PRM-08", LIB1))
        | fails(*(("PRM-07", f"{name} -> {LIB1}") for name in ALL_HOSTS), verdict="WARN"),
    ),
    Variant(
        "everyone-full-on-the-share-alone",
        GOOD.with_share("LIBRARY01", SHARE, descriptor=Descriptor((Ace("Everyone", FULL),))),
        frozenset(),
    ),
    Variant(
        "hosts-have-full-control",
        GOOD.with_share(
            "LIBRARY01",
            SHARE,
            descriptor=Descriptor((*_aces(SHARE_ACL), Ace("GG_HyperV_Hosts", FULL))),
            root=Descriptor(
                (
                    *_aces(GOOD.library("LIBRARY01").shares[0].root),
                    Ace("GG_HyperV_Hosts", FULL, 0, BOTH),
                )
            ),
        ),
        fails(("PRM-10", LIB1), verdict="WARN")
        | fails(*(("PRM-07", f"{name} -> {LIB1}") for name in ALL_HOSTS)),
    ),
    Variant(
        "name-without-spn",
        _alias_name(),
        frozenset(),  # its subjects have other ids, so `broken` alone says what follows
        {(name, _ISO_SHARE): ("DEL-01", "DEL-04") for name in ALL_HOSTS},
    ),
    Variant(
        "duplicate-spn",
        replace(GOOD, other_spns=(("OTHER", (f"HOST/library01.{DOMAIN}",)),)),
        fails(("DEL-04", LIB1)),
        {(name, LIB1): ("DEL-04",) for name in ALL_HOSTS},
        live=False,  # Samba refuses to register one name twice
    ),
    Variant(
        "domain-of-2000",
        replace(GOOD, functional_level=0),
        fails(("ENV-02", DOMAIN)),
    ),
    Variant(
        "run-as-account-that-may-not-be-delegated",
        GOOD.with_host("HYPER06", run_as="run.as").with_user("run.as", sensitive=True),
        fails(("ACC-06", r"contoso\run.as")),
        {(host(6), lib): ("ACC-06",) for lib in (LIB1, LIB2)},
    ),
)


def library_named(world: World, unc: str) -> Library:
    """The library server of a world by the server part of its UNC."""
    return next(library for library in world.libraries if library.named == unc)
