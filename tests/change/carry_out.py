"""Carries out `plan.json` on the lab as change.ps1 and rollback.ps1 would on Windows.

It reads the published file alone: the present value is compared with the recorded ones before
anything is written, for all steps first. What a Windows file server does by itself, handing a
folder's entries down, is done here, since Samba leaves that to its clients.
"""

from __future__ import annotations

import base64
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.lab.lab import Lab
from tests.lab.recipe import MACHINES, Machine
from tests.live.collecting import collected
from tests.worlds import World
from vmmaudit import questions
from vmmaudit.windows import srvsvc

Step = dict[str, Any]
_ATTRIBUTE = "user.NTACL"
_HEAD = 80
_INHERITED, _HANDED_DOWN, _INHERIT_ONLY = 0x10, 0x03, 0x08


class RefusedError(Exception):
    """Somebody changed a value since it was recorded."""


def carry_out(lab: Lab, world: World, plan: dict[str, Any]) -> None:
    """What change.ps1 does."""
    _carry_out(lab, world, plan["steps"], "before", "after")


def roll_back(lab: Lab, world: World, plan: dict[str, Any]) -> None:
    """What rollback.ps1 does."""
    _carry_out(lab, world, plan["steps"][::-1], "after", "before")


def _carry_out(lab: Lab, world: World, steps: Sequence[Step], old: str, new: str) -> None:
    todo = []
    for step in steps:
        if step["kind"] == "restart":
            continue
        found = _state(lab, world, step)
        if found not in (old, new):
            raise RefusedError(step.get("name") or step["place"])
        if found == old:
            todo.append(step)
    for step in todo:
        _write(lab, step, new)
    lab.generation += 1


def _state(lab: Lab, world: World, step: Step) -> str:
    match step["kind"]:
        case "list":
            present = {v.lower() for v in _read(lab, step["sid"], step["attribute"])}
            return _named(present, step, lambda values: {v.lower() for v in values})
        case "number":
            (present,) = _read(lab, step["sid"], step["attribute"])
            return _named(int(present), step, int)
        case "member":
            is_member = step["member_dn"] in _read(lab, step["sid"], "member")
            return "after" if is_member == step["joins"] else "before"
        case "entries":
            return _named(_entries(lab, world, step), step, list)
    raise AssertionError(step)


def _named(present: Any, step: Step, made: Any) -> str:
    for name in ("after", "before"):
        if present == made(step[name]):
            return name
    return "other"


def _read(lab: Lab, sid: str, attribute: str) -> list[str]:
    ((_, values),) = lab.search(f"(objectSid={sid})", [attribute])
    return values.get(attribute, [])


def _write(lab: Lab, step: Step, new: str) -> None:
    if step["kind"] == "entries":
        _write_entries(lab, step, new)
        return
    ((dn, _),) = lab.search(f"(objectSid={step['sid']})", ["objectSid"])
    back = new == "before"
    match step["kind"]:
        case "list":
            add, remove = step["add"], step["remove"]
            if back:
                add, remove = remove, add
            change = {"add": {step["attribute"]: add}} if add else {}
            change |= {"delete": {step["attribute"]: remove}} if remove else {}
        case "number":
            change = {"replace": {step["attribute"]: [str(step[new])]}}
        case _:
            kind = "add" if step["joins"] is not back else "delete"
            change = {kind: {"member": [step["member_dn"]]}}
    for kind, values in change.items():
        lab.change({"do": "modify", "dn": dn, kind: values})


# -- entries of shares, folders and files ----------------------------------------------------


def _where(step: Step) -> tuple[Machine, str, Path]:
    _, _, server, share, *rest = step["place"].split("\\")
    machine = MACHINES[server.split(".")[0].lower()]
    return machine, share, Path(machine.home, "shares", share, *rest)


def _entries(lab: Lab, world: World, step: Step) -> list[str]:
    _, _, place = _where(step)
    data = _share_descriptor(lab, world, step) if step["layer"] == "share" else _stored(place)
    return [base64.b64encode(ace).decode() for ace in _aces(data)]


def _share_descriptor(lab: Lab, world: World, step: Step) -> bytes:
    evidence, _ = collected(lab, world)
    _, share, _ = _where(step)
    for question, answer in evidence.of(questions.SHARE):
        server = step["place"].split("\\")[2]
        if question.server == server and question.detail == (share.lower(),):
            reply = answer.rows[0].first("reply") or b""
            return srvsvc.decode_share(reply, srvsvc.LEVEL_502).descriptor or b""
    raise AssertionError(step)


def _stored(place: Path) -> bytes:
    """The descriptor with offsets of its own; smbd's count from the head before it."""
    value = os.getxattr(place, _ATTRIBUTE)
    head, offsets = value[_HEAD : _HEAD + 4], struct.unpack_from("<IIII", value, _HEAD + 4)
    own = (offset and offset - _HEAD for offset in offsets)
    return head + struct.pack("<IIII", *own) + value[_HEAD + 20 :]


def _store(place: Path, data: bytes) -> None:
    value = os.getxattr(place, _ATTRIBUTE)
    offsets = (offset and offset + _HEAD for offset in struct.unpack_from("<IIII", data, 4))
    os.setxattr(
        place, _ATTRIBUTE, value[:_HEAD] + data[:4] + struct.pack("<IIII", *offsets) + data[20:]
    )


def _aces(data: bytes) -> Iterator[bytes]:
    at = struct.unpack_from("<I", data, 16)[0]
    count = struct.unpack_from("<H", data, at + 4)[0]
    at += 8
    for _ in range(count):
        size = struct.unpack_from("<H", data, at + 2)[0]
        yield data[at : at + size]
        at += size


def _with(data: bytes, aces: Sequence[bytes]) -> bytes:
    """The descriptor with other entries; the list stands last, as the lab packs it."""
    at = struct.unpack_from("<I", data, 16)[0]
    body = b"".join(aces)
    return data[:at] + struct.pack("<BBHHH", 2, 0, 8 + len(body), len(aces), 0) + body


def _write_entries(lab: Lab, step: Step, new: str) -> None:
    machine, share, place = _where(step)
    wanted = [base64.b64decode(ace) for ace in step[new]]
    if step["layer"] == "share":
        world = getattr(lab, "world_of_plan")  # noqa: B009 - set by the test
        data = _with(_share_descriptor(lab, world, step), wanted)
        lab.set_share_descriptors(machine.name, {share: data})
        return
    old = list(_aces(_stored(place)))
    _store(place, _with(_stored(place), wanted))
    if step["layer"] == "folder":
        added = [ace for ace in wanted if ace not in old]
        gone = [ace for ace in old if ace not in wanted]
        for below in sorted(place.iterdir()):
            _hand_down(below, added, gone)


def _hand_down(place: Path, added: Sequence[bytes], gone: Sequence[bytes]) -> None:
    data = _stored(place)
    if struct.unpack_from("<H", data, 2)[0] & 0x1000:
        return
    aces = list(_aces(data))
    flags = _INHERITED | (_HANDED_DOWN if place.is_dir() else 0)
    for ace in gone:
        alike = [a for a in aces if a[1] & _INHERITED and (a[0], a[4:]) == (ace[0], ace[4:])]
        if alike:
            aces.remove(alike[0])
    for ace in added:
        first = [i for i, a in enumerate(aces) if a[1] & _INHERITED and (a[0] != 1 or ace[0] == 1)]
        aces.insert(first[0] if first else len(aces), bytes((ace[0], flags)) + ace[2:])
    _store(place, _with(data, aces))
    if place.is_dir():
        for below in sorted(place.iterdir()):
            _hand_down(below, added, gone)
