"""What this tool is built from: locked by hash, nothing more than declared, nothing banned."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from threading import Thread

import pytest
import requests
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.weaknesses import Newest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
GROUPS: dict[str, list[str]] = PROJECT["dependency-groups"]
CORE = ROOT / "requirements.txt"
ADDED = {name: ROOT / "requirements" / f"{name}.txt" for name in (*EXTRAS, *GROUPS)}
DECLARED = {
    CORE: PROJECT["project"]["dependencies"],
    **{ADDED[name]: asked for name, asked in (*EXTRAS.items(), *GROUPS.items())},
}
every = pytest.mark.parametrize("lock", [CORE, *ADDED.values()], ids=lambda lock: lock.stem)
BANNED = {"impacket"}
"""Antivirus quarantines it on the machines of those who audit (docs/dependencies.md)."""


@cache
def pinned(lock: Path) -> dict[str, list[tuple[Requirement, str]]]:
    """Every pin of a lock by the package's name, with what stands behind it."""
    found: dict[str, list[tuple[Requirement, str]]] = {}
    text = re.sub(r"(?m)^ *#.*\n?", "", lock.read_text(encoding="utf-8")).replace("\\\n", " ")
    for line in filter(None, text.splitlines()):
        pin, _, hashes = line.partition("--hash=")
        requirement = Requirement(pin)
        name = canonicalize_name(requirement.name)
        found.setdefault(name, []).append((requirement, hashes))
    return found


def version_of(pin: Requirement) -> str:
    (only,) = pin.specifier
    return only.version


def whole(lock: Path) -> dict[str, list[tuple[Requirement, str]]]:
    """What is installed with that lock: its own pins, and those of the core."""
    return {**pinned(CORE), **pinned(lock)}


def test_every_extra_and_every_group_has_its_lock_and_no_other_is_there():
    assert set((ROOT / "requirements").iterdir()) == set(ADDED.values())


@every
def test_every_pin_is_one_version_with_hashes(lock: Path):
    for name, pins in pinned(lock).items():
        for requirement, hashes in pins:
            assert re.fullmatch(r"==[^,*]+", str(requirement.specifier)), name
            assert re.fullmatch(r"(sha256:)[0-9a-f]{64}(\s+--hash=sha256:[0-9a-f]{64})*\s*", hashes)


@every
def test_what_is_declared_is_locked_as_declared(lock: Path):
    for text in DECLARED[lock]:
        asked = Requirement(text)
        pins = whole(lock)[canonicalize_name(asked.name)]
        assert any(asked.specifier.contains(version_of(pin)) for pin, _ in pins), text
        if not asked.marker:
            assert all(asked.specifier.contains(version_of(pin)) for pin, _ in pins), text


@every
def test_nothing_banned_is_in_it(lock: Path):
    assert BANNED.isdisjoint(whole(lock))


def test_what_two_locks_bring_is_the_same():
    """Any of them go together, and each says only what the core's lock does not."""
    for name in {name for lock in ADDED.values() for name in pinned(lock)}:
        assert name not in pinned(CORE)
        versions = {
            frozenset(str(requirement.specifier) for requirement, _ in pinned(lock)[name])
            for lock in ADDED.values()
            if name in pinned(lock)
        }
        assert len(versions) == 1, name


def reached(asked: list[str], extra: str = "") -> Iterator[str]:
    """Whatever these bring on this machine, by what the installed packages say themselves."""
    waiting = [(Requirement(text), extra) for text in asked]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement, under = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": under}):
            continue
        name = canonicalize_name(requirement.name)
        yield name
        for wanted in ("", *requirement.extras):
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                needs = distribution(name).requires or []
                waiting += [(Requirement(text), wanted) for text in needs]


@pytest.mark.parametrize("lock", [CORE, ADDED["dev"]], ids=lambda lock: lock.stem)
def test_the_lock_holds_what_is_needed_and_nothing_else(lock: Path):
    """On this machine; what another system needs is locked by the same run."""
    needed = set(reached([*DECLARED[CORE], *DECLARED[lock]]))
    here = {
        name
        for name, pins in whole(lock).items()
        if any(pin.marker is None or pin.marker.evaluate({"extra": ""}) for pin, _ in pins)
    }
    assert needed - here == set(), "needed and not locked"
    assert here - needed == set(), "locked and not needed"


@pytest.mark.parametrize("lock", [CORE, ADDED["dev"]], ids=lambda lock: lock.stem)
def test_what_runs_here_is_what_is_locked(lock: Path):
    for name, pins in pinned(lock).items():
        for requirement, _ in pins:
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert distribution(name).version in requirement.specifier, name


def test_nothing_banned_is_installed():
    for name in BANNED:
        with pytest.raises(PackageNotFoundError):
            distribution(name)


def test_the_rivals_of_the_benchmarks_are_locked_and_none_comes_with_the_product():
    rivals = pinned(ROOT / "benchmarks/rivals.txt")
    assert {"ldeep", "weasyprint"} <= set(rivals)
    assert all(hashes for pins in rivals.values() for _, hashes in pins)
    assert BANNED.isdisjoint(rivals)
    for lock in (CORE, *ADDED.values()):
        assert {"ldeep", "ldap3-bleeding-edge", "weasyprint"}.isdisjoint(pinned(lock))


def test_make_installs_by_hashes_alone():
    """One step takes no hash: the checkout itself, which brings nothing with it."""
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    steps = re.findall(r"^\t\$\((?:PIP|LOCKED)\).*|^\t.*pip install.*", made, re.MULTILINE)
    free = [step for step in steps if not re.search(r"\$\(LOCKED\)|--require-hashes", step)]
    assert {step.split(")", 1)[1].strip() for step in free} == {
        "--no-build-isolation --no-deps -e .",
        "uv",  # makes the locks, and is in none
    }
    assert re.search(r"^LOCKED .*--require-hashes -r requirements\.txt$", made, re.MULTILINE)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("own/1.0", "own 1.0"),
        ("newest/2.0", "newest 2.0"),  # by the page of its package
        ("newest/1.9", None),  # what is known of 2.0 says nothing of it
        ("unknown/1.0", None),
    ],
)
def test_a_mirror_without_pages_of_versions_tells_of_the_newest_alone(asked, answered):
    pages = {
        "/pypi/own/1.0/json": ("own 1.0", "1.0"),
        "/pypi/own/json": ("own 9.0", "9.0"),
        "/pypi/newest/json": ("newest 2.0", "2.0"),
    }

    class Mirror(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path)
            self.send_response(200 if page else 404)
            self.end_headers()
            if page:
                told = {"summary": page[0], "info": {"version": page[1]}}
                self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_: object) -> None:
            pass

    adapter = Newest()
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with requests.Session() as session:
            session.mount("http://", adapter)
            found = session.get(f"http://127.0.0.1:{server.server_port}/pypi/{asked}/json")
        server.shutdown()
    assert (found.json()["summary"] if found.ok else None) == answered
    assert adapter.unknown == ([] if answered else [asked.replace("/", " ")])


# -- the bill of materials --------------------------------------------------------------------


def bill(lock: Path, to: Path) -> bytes:
    """As `make sbom` writes it."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", lock]
    more = ["--pyproject", ROOT / "pyproject.toml", "--short-PURLs", "--output-reproducible"]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    subprocess.run(
        [*command, *more, "-o", to], check=True, capture_output=True, env=environment, cwd=ROOT
    )
    return to.read_bytes()


@every
def test_the_bill_of_materials_is_valid_and_whole(lock: Path, tmp_path: Path):
    data = bill(lock, tmp_path / "a.json")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(data.decode()) is None
    told = json.loads(data)
    assert told["metadata"]["component"]["name"] == "vmmaudit"
    assert told["metadata"]["component"]["version"] == PROJECT["project"]["version"]
    listed = sorted((item["name"], item["version"]) for item in told["components"])
    locked = sorted(
        (requirement.name, version_of(requirement))
        for pins in pinned(lock).values()
        for requirement, _ in pins
    )
    assert listed == locked
    for item in told["components"]:
        assert item["purl"] == f"pkg:pypi/{item['name']}@{item['version']}"
        (source,) = item["externalReferences"]
        assert {found["alg"] for found in source["hashes"]} == {"SHA-256"}
    assert str(ROOT).encode() not in data


def test_the_bill_of_materials_is_the_same_again(tmp_path: Path):
    assert bill(CORE, tmp_path / "a.json") == bill(CORE, tmp_path / "b.json")
