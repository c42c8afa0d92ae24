"""What the script writes, as ConvertTo-Json of Windows PowerShell 5.1 lays it out."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from vmmaudit.collector import manifest
from vmmaudit.imports.reading import read
from vmmaudit.imports.record import ImportsError

COMPUTERS = r"""[
    {
        "dn":  "CN=HYPER07,DC=contoso,DC=local",
        "domain":  "contoso.local",
        "filter":  "(\u0026(objectCategory=computer)(|(sAMAccountName=HYPER07$)))",
        "objectSid":  [
                          {
                              "base64":  "AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAAUAQAAA=="
                          }
                      ],
        "objectClass":  [
                            {
                                "base64":  "dG9w"
                            },
                            {
                                "base64":  "Y29tcHV0ZXI="
                            }
                        ]
    }
]"""
GROUPS = r"""[{"server": "h", "Name": "Administratoren", "SID": "S-1-5-32-544", "complete": true,
"members": [{"Name": "WinNT://CONTOSO/a", "SID": "S-1-5-21-1-2-3-4"},
            {"Name": "WinNT://S-1-5-21-9", "SID": "S-1-5-21-9-9-9-9"}]}]"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    listed = []
    for name, text in (("computers.json", COMPUTERS), ("localgroups.json", GROUPS)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest().upper()
        listed.append({"Name": name, "Count": 1, "SHA256": digest})
    content = {
        "Collector": "vmmaudit collect.ps1", "ScriptVersion": "1", "Host": "ADMIN1",
        "StartUtc": "2026-11-23T10:00:00.0000000Z", "EndUtc": "2026-11-23T10:01:00.0000000Z",
        "User": "CONTOSO\\adm", "UserSid": "S-1-5-21-1-2-3-9", "PowerShell": "5.1", "Files": listed,
    }  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    return tmp_path


def test_a_folder_is_read_as_it_was_written(folder: Path):
    found = manifest.read(folder)
    assert (found.host, found.user_sid, found.version) == ("ADMIN1", "S-1-5-21-1-2-3-9", "1")
    computers, groups = found.files
    (computer,) = read(computers)
    assert computer.text("dn") == "CN=HYPER07,DC=contoso,DC=local"
    assert computer.text("filter") == "(&(objectCategory=computer)(|(sAMAccountName=HYPER07$)))"
    assert computer.all("objectClass") == (b"top", b"computer")
    assert len(computer.all("objectsid")[0]) == 28
    (group,) = read(groups)
    assert group.all("members.SID") == ("S-1-5-21-1-2-3-4", "S-1-5-21-9-9-9-9")


def test_an_altered_a_missing_and_an_added_file(folder: Path):
    (folder / "more.json").write_text("[]")
    with pytest.raises(ImportsError, match=r"more\.json is not listed"):
        manifest.read(folder)
    (folder / "computers.json").write_text("[]")
    with pytest.raises(ImportsError, match=r"computers\.json was changed"):
        manifest.read(folder)
    (folder / "computers.json").unlink()
    with pytest.raises(ImportsError, match=r"computers\.json cannot be read"):
        manifest.read(folder)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"Files": [{"Name": "../x.json", "SHA256": ""}]}', '{"Files": [1]}', "\xff"],
)
def test_what_is_no_manifest(tmp_path: Path, text: str):
    (tmp_path / "manifest.json").write_text(text, encoding="latin-1")
    with pytest.raises(ImportsError, match="is not what"):
        manifest.read(tmp_path)
