from __future__ import annotations

from pathlib import Path

import pytest

from vmmaudit import cli, collector
from vmmaudit.errors import UsageError

SCOPE = """\
format: 1
audit: {title: T}
domains: [{name: contoso.local}]
vmm: [{server: vmm01, account: 'CONTOSO\\svc-vmm'}]
hosts: [{name: HYPER07, run_as: 'CONTOSO\\run', cluster: hvcl01}, {name: HYPER08},
  {name: ESX01, platform: esx}]
libraries: [{share: '\\\\libserver01\\iso'}]
"""


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["vmmaudit", *map(str, arguments)])
    return cli.run()


def test_the_script_is_written_out(tmp_path: Path, monkeypatch, capsys):
    (tmp_path / "scope.yaml").write_text(SCOPE, encoding="utf-8")
    folder = tmp_path / "out"
    assert run(monkeypatch, "collector", folder, "--scope", tmp_path / "scope.yaml") == 0
    assert capsys.readouterr().out.splitlines() == [
        str(folder / "collect.ps1"),
        str(folder / "scope.txt"),
    ]
    written = (folder / "collect.ps1").read_bytes()
    assert written.replace(b"\r\n", b"\n").decode() == collector.script()
    assert (folder / "scope.txt").read_text(encoding="utf-8-sig").splitlines() == [
        "domain contoso.local",
        "vmm vmm01",
        "account CONTOSO\\run",
        "account CONTOSO\\svc-vmm",
        "host hyper07",
        "host hyper08",
        "cluster hvcl01",
        "library \\\\libserver01\\iso",
    ]
    assert run(monkeypatch, "collector", folder) == 1
    assert "is not overwritten" in capsys.readouterr().err


def test_without_a_scope_only_the_script(tmp_path: Path):
    assert collector.write(tmp_path) == [tmp_path / "collect.ps1"]
    with pytest.raises(UsageError, match="exists already"):
        collector.write(tmp_path)
