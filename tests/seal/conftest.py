from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.seal.people import PASSPHRASE, Authority
from vmmaudit import audit as facade
from vmmaudit.scope import Role
from vmmaudit.seal.keys import KeyFile
from vmmaudit.seal.sign import Signed, sign
from vmmaudit.secret import Secret

NAMES = {
    Role.AUDITOR: "Änne Prüfer",
    Role.REVIEWER: "Dr. Sébastien Łuczak",
    Role.APPROVER: "Änne Größlein",
    Role.AUDITEE: "Jörg Müller-Weiß",
}
Hand = Callable[..., Signed]


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def keys(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> dict[Role, Path]:
    folder = tmp_path_factory.mktemp("keys")
    return {
        role: authority.issue(name).p12(folder / f"{role.value}.p12")
        for role, name in NAMES.items()
    }


@pytest.fixture(scope="session")
def root(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority.pem(tmp_path_factory.mktemp("root") / "ca.pem")


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of the demo site in both languages, unsigned; never changed by a test."""
    pack = facade.demo().write(tmp_path_factory.mktemp("output"), "de,en")
    assert pack is not None
    return pack.folder


@pytest.fixture(scope="session")
def single(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in one language, which is verified in half the time."""
    pack = facade.demo().write(tmp_path_factory.mktemp("output"), "en")
    assert pack is not None
    return pack.folder


@pytest.fixture
def pack(single: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(single, tmp_path / "pack"))


@pytest.fixture(scope="session")
def hand(keys: dict[Role, Path]) -> Hand:
    """Signs a pack in a role, with the role's own key unless another is given."""

    def signing(folder: Path, role: Role, key: Path | None = None, **more: object) -> Signed:
        own = KeyFile(key or keys[role])
        return sign(folder, role, own, lambda: Secret(PASSPHRASE), **more)  # type: ignore[arg-type]

    return signing


@pytest.fixture(scope="session")
def signed_twice(written: Path, hand: Hand, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(written, tmp_path_factory.mktemp("twice") / "pack"))
    hand(folder, Role.AUDITOR)
    hand(folder, Role.REVIEWER)
    return folder


@pytest.fixture(scope="session")
def single_signed(single: Path, hand: Hand, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(single, tmp_path_factory.mktemp("single") / "pack"))
    hand(folder, Role.AUDITOR)
    hand(folder, Role.REVIEWER)
    return folder
