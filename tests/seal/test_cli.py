from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.seal.people import PASSPHRASE
from vmmaudit.scope import Role
from vmmaudit.seal.errors import SealError
from vmmaudit.seal.secret import resolve
from vmmaudit.secret import Secret


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(
        [sys.executable, "-m", "vmmaudit", *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_sign_and_verify(pack: Path, keys: dict[Role, Path], root: Path) -> None:
    key = ("--p12", keys[Role.AUDITOR], "--secret", "env:PASS")
    said = run("sign", pack, "--role", "auditor", *key, PASS=PASSPHRASE)
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines() == [
        str(pack / "signatures/1-auditor" / name) for name in ("manifest.p7s", "report.en.pdf")
    ]
    assert said.stderr == "signed as auditor by Änne Prüfer (Contoso Issuing CA)\n"

    said = run("verify", pack, "--trust", root)
    assert said.returncode == 0
    lines = said.stdout.splitlines()
    assert lines[0].startswith("ok      auditor: Änne Prüfer (Contoso Issuing CA), 2")
    assert "open    reviewer: no valid signature" in lines
    assert lines[-1] == "status  draft (Entwurf)"

    said = run("verify", pack, "--json")
    assert said.returncode == 6
    found = json.loads(said.stdout)
    assert found["status"] == "draft"
    assert found["failures"] == [
        "Nobody vouches for Änne Prüfer (auditor): name a CA with --trust."
    ]
    assert found["signatures"][0]["time"] == "claimed"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--role", "boss", "--p12", "x.p12"], "There is no role 'boss'; choose from auditor,"),
        (["--role", "auditor"], "Name the key: --p12 FILE, or --pkcs11-module LIBRARY"),
        (
            ["--role", "auditor", "--p12", "x.p12", "--key-label", "k"],
            "--token and --key-label belong to --pkcs11-module, not to --p12.",
        ),
        (["--role", "auditor", "--pkcs11-module", "x.so"], "--pkcs11-module needs --key-label"),
        (["--role", "auditor", "--p12", "x.p12", "--secret", "hunter2"], "--secret takes a"),
        (["--role", "auditor", "--p12", "x.p12", "--tsa", "clock"], "'clock' is no address of"),
    ],
)
def test_what_is_typed_wrongly(single: Path, arguments: list[str], sentence: str) -> None:
    said = run("sign", single, *arguments)
    assert said.returncode == 1
    assert said.stderr.startswith(f"vmmaudit: {sentence}")
    assert "hunter2" not in said.stderr
    assert len(said.stderr.splitlines()) == 1


def test_what_is_no_pack(tmp_path: Path) -> None:
    said = run("verify", tmp_path / "nothing")
    assert said.returncode == 1
    assert "cannot be read" in said.stderr


def test_secrets_by_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASS", "one")
    assert resolve("env:PASS", None, "x").reveal() == "one"
    assert resolve("prompt", lambda question: question, "Passphrase of x").reveal() == (
        "Passphrase of x: "
    )
    assert "one" not in repr(Secret("one"))
    for reference, sentence in {
        "env:NOTHING": "The environment variable NOTHING is not set",
        "prompt": "there is no terminal",
        "env:": "takes a reference",
        "keyring:x": "takes a reference",
        "sso": "takes a reference",
    }.items():
        with pytest.raises(SealError, match=sentence):
            resolve(reference, None, "Passphrase of x")


def test_a_passphrase_from_the_key_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring
    import keyring.errors

    monkeypatch.setattr(keyring, "get_password", lambda service, user: {"anna": "two"}.get(user))
    assert resolve("keyring:vmmaudit/anna", None, "x").reveal() == "two"
    with pytest.raises(SealError, match="holds nothing for otto under vmmaudit"):
        resolve("keyring:vmmaudit/otto", None, "x")

    def none(service: str, user: str) -> str:
        raise keyring.errors.NoKeyringError

    monkeypatch.setattr(keyring, "get_password", none)
    with pytest.raises(SealError, match="no key ring on this machine"):
        resolve("keyring:vmmaudit/anna", None, "x")
