"""Make the live lab equal to a world, changing only what differs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.lab import descriptors
from tests.lab.directory import apply_directory, known_sids
from tests.lab.lab import Lab
from tests.lab.namespaces import LabError
from tests.lab.recipe import MACHINES, Machine
from tests.worlds import WELL_KNOWN, Library, Share, World

_ATTRIBUTE: Final = "user.NTACL"


def apply(lab: Lab, world: World) -> None:
    """Make the lab's directory, aliases, shares, files and descriptors those of the world.

    Not applied, since Samba cannot show it: boot times, the time of a change, services.
    """
    apply_directory(lab, world)
    sids = known_sids(lab)
    for library in world.libraries:
        if library.reachable:
            _apply_library(lab, library, sids)
        elif library.name.lower() in MACHINES:
            lab.stop(library.name.lower())
    for host in world.hosts:
        if host.name.lower() in MACHINES and lab.running(host.name.lower()):
            _apply_administrators(lab, host.name.lower(), world.administrators_of(host), sids)
    lab.generation += 1


def _apply_administrators(
    lab: Lab, machine: str, names: Sequence[str], sids: dict[str, str]
) -> None:
    members = [sids.get(name) or WELL_KNOWN[name] for name in names]
    lab.ask(machine, "aliases", wanted={r"BUILTIN\Administrators": members})


def _apply_library(lab: Lab, library: Library, sids: dict[str, str]) -> None:
    machine = MACHINES.get(library.name.lower())
    if machine is None or machine.role != "member":
        raise LabError(f"{library.name} is reachable in the world, but no machine of the lab")
    if not lab.running(machine.name):
        lab.start(machine.name)
    if library.unc_name:
        _register(lab, library.unc_name, machine)
    wanted = {
        alias.name: [sids.get(name) or WELL_KNOWN[name] for name in alias.members]
        for alias in library.aliases
    }
    own = lab.ask(machine.name, "aliases", wanted=wanted)
    lab.forget_aliases(machine.name, wanted)

    def sid(name: str) -> str:
        found = WELL_KNOWN.get(name) or own.get(name) or sids.get(name)
        if found is None:
            raise LabError(f"nobody is called {name}")
        return found

    for share in library.shares:
        _apply_files(machine.home / "shares" / share.name, share, sid)
    stored = {
        share.name: descriptors.pack(share.descriptor, sid) if share.descriptor else None
        for share in library.shares
    }
    lab.set_share_descriptors(machine.name, stored)
    _publish(lab, machine, library)


def _publish(lab: Lab, machine: Machine, library: Library) -> None:
    text = "".join(
        f"[{share.name}]\n    path = {machine.home}/shares/{share.name}\n"
        f"    comment = {share.remark}\n    read only = no\n"
        for share in library.shares
    )
    conf = machine.home / "etc/shares.conf"
    if conf.read_text(encoding="utf-8") != text:
        conf.write_text(text, encoding="utf-8")
        lab.reload(machine.name)


def _register(lab: Lab, name: str, machine: Machine) -> None:
    known = Path("/etc/hosts").read_text(encoding="utf-8").split()
    if name.lower() in known:
        return
    lab.register(name.lower().removesuffix(f".{lab.dns_domain}"), machine.address)
    with (MACHINES["auditor"].home / "hosts").open("a", encoding="utf-8") as hosts:
        hosts.write(f"{machine.address} {name.lower()}\n")


def _apply_files(root: Path, share: Share, sid: Callable[[str], str]) -> None:
    places = {root / item.path.replace("\\", "/"): item for item in share.items}
    for found in _below(root):
        item = places.get(found)
        if item is None or found.is_dir() is not (item.size is None):
            shutil.rmtree(found) if found.is_dir() else found.unlink()
    _folder(root)
    _describe(root, descriptors.attribute(share.root, sid))
    for place, item in places.items():
        if item.size is None:
            _folder(place)
        elif not place.exists() or place.stat().st_size != item.size:
            place.write_bytes(bytes(item.size))
            place.chmod(0o666)
        _describe(place, descriptors.attribute(item.descriptor, sid))


def _below(root: Path) -> Iterator[Path]:
    """Everything below a folder, contents before their folder."""
    for folder, folders, files in os.walk(root, topdown=False):
        for name in (*files, *folders):
            yield Path(folder, name)


def _folder(place: Path) -> None:
    if not place.is_dir():
        place.mkdir(parents=True)
        place.chmod(0o777)  # the descriptor alone decides


def _describe(place: Path, value: bytes) -> None:
    try:
        if os.getxattr(place, _ATTRIBUTE) == value:
            return
    except OSError:
        pass
    os.setxattr(place, _ATTRIBUTE, value)
