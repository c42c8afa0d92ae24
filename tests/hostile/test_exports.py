"""Exports and traces made to harm whoever reads them."""

from __future__ import annotations

import csv
import io
import os
import sys
import zipfile
from pathlib import Path

import pytest

from tests.hostile.limited import MEBIBYTE, said
from vmmaudit import scope, waivers
from vmmaudit.audit import DEMO
from vmmaudit.collect.offline import Offline
from vmmaudit.diagnosis import diagnose
from vmmaudit.diagnosis.reading import opened
from vmmaudit.imports.reading import read as read_export

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs its limits of memory")


def exported(tmp_path: Path, name: str, data: bytes) -> str:
    path = tmp_path / name
    path.write_bytes(data)
    return said(lambda: list(read_export(path)))


ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE Objs [<!ENTITY a0 "lol">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + "]><Objs><S>&a11;</S></Objs>"
)
EXTERNAL = (
    '<?xml version="1.0"?><!DOCTYPE Objs [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    "<Objs><S>&x;</S></Objs>"
)


@pytest.mark.parametrize("text", [ENTITIES, EXTERNAL], ids=["billion laughs", "external"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_in_an_export(tmp_path: Path, text: str, encoding: str):
    assert "it has a document type" in exported(tmp_path, "a.xml", text.encode(encoding))


@pytest.mark.parametrize("text", [ENTITIES, EXTERNAL], ids=["billion laughs", "external"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("before", [0, 200_000], ids=["at once", "late"])
def test_entities_in_a_trace(tmp_path: Path, text: str, encoding: str, before: int):
    head, tail = text.split("?>", 1)
    path = tmp_path / "events.xml"
    path.write_bytes(f"{head}?>{' ' * before}{tail}".encode(encoding))
    told = said(lambda: diagnose([opened(str(path))]))
    assert told == f"{path} declares a document type; no export of Windows does."


@pytest.mark.parametrize(
    "text",
    [
        *("[" * 1_000_000, '{"a":' * 1_000_000, '[{"a":' + "[" * 1_000_000),
        *('[{"a": ' + "9" * 1_000_000 + "}]", '[{"a": 1e999999999}]'),
    ],
    ids=lambda text: text[:12],
)
def test_json_that_is_too_deep_or_too_long(tmp_path: Path, text: str):
    path = tmp_path / "jobs.json"
    path.write_text(text)
    for read in (lambda: list(read_export(path)), lambda: diagnose([opened(str(path))])):
        told = said(read)
        assert told == "" or "jobs.json" in told


@pytest.mark.parametrize("depth", [100, 500, 900, 980, 5000])
def test_json_as_deep_as_python_reads(tmp_path: Path, depth: int):
    path = tmp_path / "jobs.json"
    path.write_text('[{"a": ' + "[" * depth + '"x"' + "]" * depth + "}]")
    for read in (lambda: list(read_export(path)), lambda: diagnose([opened(str(path))])):
        told = said(read)
        assert told == "" or "jobs.json" in told


@pytest.mark.parametrize(
    ("name", "head", "unit"),
    [
        ("a.csv", b'"Name","SID"\n"', b"x"),
        ("b.csv", b'"Name","SID"\n', b'"a",'),
        ("c.ldif", b"dn: CN=a\ncn: ", b"x"),
        ("d.ldif", b"dn: CN=a\ncn:: ", b"A"),
        ("e.ldif", b"dn: CN=a\n", b"\n x"),
        ("f.txt", b"O:BA", b"D:P"),
        ("g.txt", b"a\nD:(", b"("),
        ("h.json", b'[{"a": "', b"x"),
        ("i.xml", b"<Objs><S>", b"x"),
        ("j.xml", b"<Objs>", b"<Obj>"),
        ("k.txt", b"[SC] ", b"x: y"),
        ("l.csv", b"a,b\n", b","),
        ("m.txt", b"SERVICE_NAME: a\n", b" "),
        ("n.csv", b'"', b'""'),
        ("o.ldif", b"#", b"\n #"),
        ("p.log", b"00000034 4.64 [5600] ", b"9"),
        ("q.log", b"*** Carmine error was: ", b"A"),
        ("r.log", b"", b"0x80070005 "),
        ("s.log", b"", b"Task failed error "),
        ("t.log", b"", b"*** Carmine error was"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_enormous_line(tmp_path: Path, name: str, head: bytes, unit: bytes):
    """Four mebibytes without a line's end: told or refused, in time that grows with them."""
    path = tmp_path / name
    path.write_bytes(head + unit * (4 * MEBIBYTE // len(unit)))
    for read in (lambda: list(read_export(path)), lambda: diagnose([opened(str(path))])):
        told = said(read, 1024)
        assert told == "" or name in told


@pytest.mark.parametrize("name", ["export.csv", "list.xlsx", "list.ods"])
def test_a_zip_bomb_in_the_place_of_an_export(tmp_path: Path, name: str):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bomb:
        for part in ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "content.xml"):
            with bomb.open(part, "w", force_zip64=True) as file:
                for _ in range(128):
                    file.write(b" " * MEBIBYTE)
    assert "an Excel or ZIP file" in exported(tmp_path, name, buffer.getvalue())
    told = said(lambda: waivers.read_list(tmp_path / name))
    assert name in told


def test_an_import_folder_with_links_out(tmp_path: Path):
    secret = tmp_path / "secret.csv"
    secret.write_text('"Name","password"\n"a","geheim"\n')
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "link.csv").symlink_to(secret)
    agreed = scope.load(DEMO / "scope.yaml")
    told = said(lambda: Offline(exports, agreed))
    assert "link.csv" in told


@pytest.mark.parametrize("kind", ["pipe", "device", "loop"])
def test_an_import_folder_with_what_is_no_file(tmp_path: Path, kind: str):
    path = tmp_path / "a.csv"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "loop":
            path.symlink_to(path)
    agreed = scope.load(DEMO / "scope.yaml")
    assert said(lambda: Offline(tmp_path, agreed))


def test_an_enormous_cell_of_a_trace(tmp_path: Path):
    before = csv.field_size_limit()
    path = tmp_path / "jobs.csv"
    path.write_text(f'"Name","ErrorInfo","Status"\n"{"x" * 200_000}","12700","Failed"\n')
    told = said(lambda: diagnose([opened(str(path))]))
    assert told.startswith(f"{path} is not CSV that can be read: field larger than"), told
    assert csv.field_size_limit() == before, "the limit is the process's, and others' too"
