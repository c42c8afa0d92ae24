"""The state of a freshly built lab, kept as a tar file, so that the next lab starts in seconds."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Final

from tests.lab.recipe import STATE

_SOURCES: Final = ("recipe.py", "build.py", "certificates.py", "machine.py", "remote.py")
_KEPT: Final = 4
_XATTRS: Final = ("--xattrs", "--xattrs-include=user.*", "--xattrs-include=security.NTACL")


def place() -> Path:
    """Where the snapshot of these sources and this Samba is kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256()
    for name in _SOURCES:
        digest.update(Path(__file__).with_name(name).read_bytes())
    version = subprocess.run(["smbd", "--version"], capture_output=True, check=True).stdout
    digest.update(version)
    return cache / "vmmaudit-lab" / f"{digest.hexdigest()[:20]}.tgz"


def save(target: Path) -> None:
    """Keep the state; the daemons must be stopped. The oldest ones are removed."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = target.with_suffix(f".{os.urandom(4).hex()}")
    fresh.touch(mode=0o600)
    try:
        # --warning: sockets of the daemons are not state.
        command = ["tar", "-C", str(STATE), *_XATTRS, "--warning=no-file-ignored", "-czf"]
        subprocess.run([*command, str(fresh), "."], check=True)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    kept = sorted(target.parent.glob("*.tgz"), key=lambda place: place.stat().st_mtime)
    for old in kept[:-_KEPT]:
        old.unlink(missing_ok=True)


def restore(source: Path) -> None:
    """Unpack a snapshot into the empty state folder."""
    subprocess.run(["tar", "-C", str(STATE), *_XATTRS, "-xzpf", str(source)], check=True)
