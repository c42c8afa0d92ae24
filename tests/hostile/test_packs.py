"""Packs that lead out of themselves, and what is in them that never ends."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
from jinja2.exceptions import SecurityError, UndefinedError

from tests.hostile.limited import MEBIBYTE, said
from vmmaudit import assessment, pack
from vmmaudit import audit as facade
from vmmaudit.errors import AuditError, ScopeError
from vmmaudit.pseudonyms import key
from vmmaudit.report.data import own_templates
from vmmaudit.report.docx import render_docx
from vmmaudit.report.html import render_html
from vmmaudit.report.markup import fragment
from vmmaudit.scope import Branding
from vmmaudit.seal.verify import verify

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs its limits of memory")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return facade.demo().save(tmp_path_factory.mktemp("packs"), judged=True).folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "pack"))


def listed(folder: Path, path: object, data: bytes = b"") -> None:
    """Name one more file in the manifest."""
    manifest = json.loads((folder / pack.MANIFEST).read_bytes())
    entry = {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    manifest["files"].append(entry)
    (folder / pack.MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "path",
    [
        *("../secret", "/etc/hostname", "a/../../secret", "..", ".", "", "signatures/x"),
        *("C:\\secret", "C:secret", "\\\\server\\share\\x", "a\\b", "x\0.json", "a:stream"),
        *(5, None, True, ["a"], {"a": 1}),
    ],
    ids=repr,
)
@pytest.mark.parametrize("read", [pack.read, verify], ids=["read", "verify"])
def test_a_pack_that_names_what_lies_elsewhere(folder: Path, path: object, read):
    (folder.parent / "secret").write_bytes(b"")
    listed(folder, path)
    told = said(lambda: read(folder))
    assert "which is not a file of the pack" in told or "it is not a list of files" in told


@pytest.mark.parametrize("name", [pack.EVIDENCE, pack.SCOPE, pack.ASSESSMENT, pack.MANIFEST])
@pytest.mark.parametrize("kind", ["link", "device", "pipe"])
def test_a_pack_that_leads_elsewhere(folder: Path, name: str, kind: str):
    """A link to the very same bytes is refused too: what it leads to is this machine's."""
    path = folder / name
    if kind == "link":
        shutil.move(path, folder.parent / "outside")
        path.symlink_to(folder.parent / "outside")
    else:
        path.unlink()
        path.symlink_to("/dev/zero") if kind == "device" else os.mkfifo(path)
    told = said(lambda: pack.read(folder))
    assert "cannot be read" in told
    found = said(lambda: released(folder))
    assert found == "" or "cannot be read" in found


def released(folder: Path) -> None:
    assert verify(folder).failures


def test_a_signature_that_leads_elsewhere(folder: Path):
    stage = folder / "signatures" / "1-auditor"
    stage.mkdir(parents=True)
    (stage / "manifest.p7s").symlink_to("/dev/zero")
    assert said(lambda: released(folder)) == ""


@pytest.mark.parametrize("name", [pack.MANIFEST, pack.ASSESSMENT])
def test_json_a_million_deep(folder: Path, name: str):
    (folder / name).write_bytes(b'{"format":' + b"[" * 1_000_000)
    assert said(lambda: pack.read(folder))


def test_an_assessment_a_million_deep():
    told = said(lambda: assessment.loads(b'{"format":' * 1_000_000, "assessment.json"))
    assert told.startswith("assessment.json is not an assessment")


def test_a_key_a_million_deep(tmp_path: Path):
    path = tmp_path / "key.json"
    path.write_bytes(b"[" * 1_000_000)
    assert said(lambda: key.load(path)) == f"{path} is not a key file of vmmaudit."


RUNS = (
    "{{ cycler.__init__.__globals__.os.system('touch MARK') }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ self.__init__.__globals__.__builtins__.open('MARK', 'w') }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "{{ (document or words).__class__.__init__.__globals__ }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(namespace) }}",
)


@pytest.mark.parametrize("text", RUNS)
@pytest.mark.parametrize(
    ("template", "render"),
    [
        ("audit-html/document.html.j2", fragment),
        ("audit-html/index.html.j2", render_html),
        ("audit-docx/footer1.xml", render_docx),
    ],
    ids=["fragment", "page", "Word"],
)
def test_a_template_in_a_pack_runs_nothing(tmp_path: Path, template: str, render, text: str):
    mark = tmp_path / "mark"
    given = {template: text.replace("MARK", str(mark))}
    document = replace(facade.demo().document("en"), templates=given)
    with pytest.raises((UndefinedError, SecurityError)):
        render(document)
    assert not mark.exists()


@pytest.mark.parametrize(
    "name",
    [
        *("audit-pdf/../../outside.typ", "/etc/outside", "../outside", "audit-html/new.html.j2"),
        *("audit-pdf\\..\\..\\outside", "C:\\outside", ""),
    ],
)
def test_a_template_in_a_pack_is_written_nowhere_else(name: str):
    with pytest.raises(ScopeError, match="takes the place of no template"):
        own_templates(Branding(templates={name: "x"}))


@pytest.mark.parametrize(
    "more",
    [
        "branding:\n  logo: ../logo.png\n",
        "branding:\n  templates: ..\n",
        "waivers_file: ../list.csv\n",
    ],
)
def test_the_scope_of_a_pack_reads_no_files_of_this_machine(folder: Path, more: str):
    (folder.parent / "logo.png").write_bytes(b"\x89PNG")
    (folder.parent / "list.csv").write_text("control;reason;until\nLIB-01;x;2030-01-01\n")
    text = (folder / pack.SCOPE).read_bytes() + more.encode()
    manifest = json.loads((folder / pack.MANIFEST).read_bytes())
    for entry in manifest["files"]:
        if entry["path"] == pack.SCOPE:
            entry["sha256"] = hashlib.sha256(text).hexdigest()
    (folder / pack.SCOPE).write_bytes(text)
    (folder / pack.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(AuditError, match="names files outside of its pack"):
        facade.replayed(folder)


def test_a_bomb_attached_to_a_report(tmp_path: Path):
    """A gigabyte of zeros in a megabyte, under the name of the evidence."""
    document = pikepdf.new()
    document.add_blank_page()
    packer = zlib.compressobj(9)
    raw = b"".join(packer.compress(bytes(MEBIBYTE)) for _ in range(1024)) + packer.flush()
    spec = pikepdf.AttachedFileSpec(document, b"")
    spec.get_file().obj.write(raw, filter=pikepdf.Name.FlateDecode)
    document.attachments[pack.EVIDENCE] = spec
    path = tmp_path / "report.pdf"
    document.save(path)
    assert path.stat().st_size < 2 * MEBIBYTE
    assert said(lambda: refused(path), 768) == ""


def refused(path: Path) -> None:
    assert verify(path).failures == (f"{path} is damaged: it is no PDF.",)
