"""The directory of a world: what it must hold, what the lab's holds, and the changes between."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from tests.lab.agent import unicode_password
from tests.lab.lab import Lab
from tests.lab.recipe import (
    ACCOUNTS_DN,
    BASE_DN,
    COMPUTERS_DN,
    DNS_DOMAIN,
    GROUPS_DN,
    MACHINES,
    USER_CONTROL,
    USERS,
)
from tests.worlds import World

_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_NEVER: Final = str(2**63 - 1)
_SCOPES: Final = {"global": 2, "domain-local": 4, "universal": 8}
_OWN_GROUPS: Final = (f",CN=Users,{BASE_DN}", f",CN=Builtin,{BASE_DN}")
_COMPUTER: Final = 0x1000
_READ: Final = (
    *("sAMAccountName", "objectSid", "userAccountControl", "accountExpires", "groupType"),
    *("servicePrincipalName", "msDS-AllowedToDelegateTo", "member", "objectClass"),
)
_MANY: Final = ("servicePrincipalName", "msDS-AllowedToDelegateTo", "member")
_COMPARED: Final = (
    *("userAccountControl", "accountExpires", "servicePrincipalName"),
    "msDS-AllowedToDelegateTo",
)

Values = dict[str, list[str]]


def apply_directory(lab: Lab, world: World) -> None:
    """Make accounts, groups, memberships and delegation those of the world."""
    have = {values["sAMAccountName"][0]: (dn, values) for dn, values in _rows(lab)}
    passwords = lab.passwords([*(u.name for u in world.users), *_strangers(world)])
    wanted = dict(_wanted(world))
    changes = list(_gone(have, wanted))
    gone = {change["dn"] for change in changes}
    have = {k: v for k, v in have.items() if v[0] not in gone}
    for _, values in have.values():  # a deleted object has left its groups by itself
        if "member" in values:
            values["member"] = [dn for dn in values["member"] if dn not in gone]
    dns = {name: dn for name, (dn, _) in have.items()} | {n: dn for n, (dn, _) in wanted.items()}
    dns |= {name: dn for name, (dn, _) in have.items()}
    later: list[dict[str, Any]] = []
    for name, (dn, values) in wanted.items():
        if name not in have:
            changes.append(_added(name, dn, values, passwords.get(name)))
            have[name] = (dn, {k: v for k, v in values.items() if k not in _MANY})
        later += _differences(*have[name], values)
    own = _members_of_untouched(lab, have)
    members = {
        have[group.name][0]: {dns.get(name) or dns[f"{name}$"] for name in group.members}
        for group in world.groups
    }
    for dn, values in have.values():
        if dn in members or dn in own:
            wanted_members = members.get(dn, set()) | set(own.get(dn, []))
            later += _members(dn, values, wanted_members)
    later += _level(lab, world)
    if changes or later:
        lab.change(*changes, *later)


def known_sids(lab: Lab) -> dict[str, str]:
    """SID of every account by the name a world gives it: computers without their `$`."""
    sids = {}
    for _, values in _rows(lab):
        name = values["sAMAccountName"][0]
        computer = "computer" in values["objectClass"]
        sids[name.removesuffix("$") if computer else name] = values["objectSid"][0]
    return sids


def _rows(lab: Lab) -> list[tuple[str, Values]]:
    return lab.search("(&(sAMAccountName=*)(objectSid=*))", _READ)


def _strangers(world: World) -> list[str]:
    """Computer accounts of the world that are no machine of the lab."""
    names = [*(h.name for h in world.hosts), *(lib.name for lib in world.libraries), world.vmm]
    names += [name for name, _ in world.other_spns]
    return [f"{name}$" for name in dict.fromkeys(names) if name.lower() not in MACHINES]


def _wanted(world: World) -> Iterator[tuple[str, tuple[str, Values]]]:
    for user in world.users:
        control = USER_CONTROL | (0 if user.enabled else 2) | (0x100000 if user.sensitive else 0)
        expires = _filetime(user.expires) if user.expires else _NEVER
        yield (
            user.name,
            (
                f"CN={user.name},{ACCOUNTS_DN}",
                {
                    "objectClass": ["user"],
                    "userAccountControl": [str(control)],
                    "accountExpires": [expires],
                    "servicePrincipalName": list(user.spns),
                },
            ),
        )
    for group in world.groups:
        kind = str(_SCOPES[group.scope] - 2**31)
        values = {"objectClass": ["group"], "groupType": [kind]}
        yield group.name, (f"CN={group.name},{GROUPS_DN}", values)
    for host in world.hosts:
        control = _COMPUTER | (0 if host.enabled else 2) | (0x80000 if host.unconstrained else 0)
        control |= 0x1000000 if host.any_protocol else 0
        spns = [*_own_spns(host.name), *host.extra_spns]
        yield _computer(host.name, control, spns, list(host.delegate_to))
    for library in world.libraries:
        yield _computer(library.name, _COMPUTER, [*_own_spns(library.name), *library.extra_spns])
    others = dict(world.other_spns)
    if world.vmm not in others:
        others[world.vmm] = tuple(_own_spns(world.vmm))
    for other, names in others.items():
        yield _computer(other, _COMPUTER, list(names))


def _computer(
    name: str, control: int, spns: Sequence[str], delegate_to: Sequence[str] = ()
) -> tuple[str, tuple[str, Values]]:
    values = {
        "objectClass": ["computer"],
        "userAccountControl": [str(control)],
        "dNSHostName": [f"{name.lower()}.{DNS_DOMAIN}"],
        "servicePrincipalName": list(spns),
        "msDS-AllowedToDelegateTo": list(delegate_to),
    }
    return f"{name}$", (f"CN={name},{COMPUTERS_DN}", values)


def _own_spns(name: str) -> list[str]:
    names = (name.upper(), f"{name.lower()}.{DNS_DOMAIN}")
    return [f"{service}/{n}" for service in ("HOST", "RestrictedKrbHost") for n in names]


def _filetime(moment: datetime) -> str:
    return str(int((moment - _EPOCH).total_seconds()) * 10_000_000)


def _gone(
    have: Mapping[str, tuple[str, Values]], wanted: Mapping[str, tuple[str, Values]]
) -> Iterator[dict[str, Any]]:
    """What an earlier world left; a group of another scope is made anew, so its SID changes."""
    for name, (dn, values) in have.items():
        place = dn.partition(",")[2]
        fixed = name in USERS or name.removesuffix("$").lower() in MACHINES
        if place not in {ACCOUNTS_DN, GROUPS_DN, COMPUTERS_DN} or (fixed and name not in wanted):
            continue
        if name in wanted:
            other = "groupType" in values and values["groupType"] != wanted[name][1]["groupType"]
            if not other:
                continue
        yield {"do": "delete", "dn": dn}


def _added(name: str, dn: str, values: Values, password: str | None) -> dict[str, Any]:
    attributes: dict[str, list[Any]] = {k: list(v) for k, v in values.items() if v}
    for later in _MANY:
        attributes.pop(later, None)
    attributes["sAMAccountName"] = [name]
    if password:
        attributes["unicodePwd"] = [unicode_password(password)]
    return {"do": "add", "dn": dn, "attributes": attributes}


def _differences(dn: str, have: Values, wanted: Values) -> Iterator[dict[str, Any]]:
    replace: dict[str, list[str]] = {}
    for name in _COMPARED:
        if name not in wanted or sorted(have.get(name, [])) == sorted(wanted[name]):
            continue
        if name == "accountExpires" and {*have.get(name, ["0"]), *wanted[name]} <= {"0", _NEVER}:
            continue
        replace[name] = wanted[name]
    if replace:
        yield {"do": "modify", "dn": dn, "replace": replace}


def _members_of_untouched(lab: Lab, have: Mapping[str, tuple[str, Values]]) -> dict[str, list[str]]:
    """Members of the domain's own groups as they were before any world was applied."""
    place = lab.private("worlds", "groups.json")
    if not place.exists():
        first = {
            dn: values.get("member", [])
            for dn, values in have.values()
            if dn.endswith(_OWN_GROUPS) and "groupType" in values
        }
        place.write_text(json.dumps(first), encoding="utf-8")
    found: dict[str, list[str]] = json.loads(place.read_text(encoding="utf-8"))
    return found


def _members(dn: str, have: Values, wanted: set[str]) -> Iterator[dict[str, Any]]:
    current = set(have.get("member", []))
    for kind, members in (("delete", current - wanted), ("add", wanted - current)):
        if members:
            yield {"do": "modify", "dn": dn, kind: {"member": sorted(members)}}


def _level(lab: Lab, world: World) -> Iterator[dict[str, Any]]:
    wanted = [str(world.functional_level)]
    ((_, values),) = lab.search("(objectClass=domainDNS)", ["msDS-Behavior-Version"])
    if values["msDS-Behavior-Version"] != wanted:
        level = {"msDS-Behavior-Version": wanted}
        yield {"do": "modify", "dn": BASE_DN, "replace": level, "controls": ["relax:0"]}
