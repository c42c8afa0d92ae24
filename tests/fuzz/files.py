"""Files that were handed over: exports, traces, scopes, evidence, lists, packs, signatures."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import io
import json
import os
import signal
import tempfile
import traceback
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from asn1crypto import cms

from tests.diagnosis import samples
from tests.fuzz.formats import SDDL
from tests.fuzz.target import Target
from tests.hostile.test_workbooks import SHEET, workbook
from tests.imports.test_clixml import HOST
from tests.imports.test_sc import CONFIGURED, MISSING, RUNNING
from vmmaudit import assessment, evidence, pack, scope, spreadsheet, waivers
from vmmaudit.audit import DEMO
from vmmaudit.collect import journal
from vmmaudit.collector import manifest
from vmmaudit.diagnosis import diagnose
from vmmaudit.diagnosis.reading import source
from vmmaudit.errors import AuditError, EvidenceError, PackError, ScopeError, UsageError
from vmmaudit.imports import clixml, csv, icacls, ldif, reading, sc
from vmmaudit.imports import json as json_export
from vmmaudit.imports.record import ImportsError, Record
from vmmaudit.pseudonyms import key
from vmmaudit.seal.attachments import attached
from vmmaudit.seal.signatures import in_pdf, of_manifest
from vmmaudit.seal.trust import roots
from vmmaudit.windows.sid import EVERYONE, sid_to_bytes

CSV = (
    '#TYPE Microsoft.ActiveDirectory.Management.ADComputer\r\n"Name";"objectSid";"dn"\r\n'
    '"HYPER01";"S-1-5-21-1-2-3-1104";"CN=HYPER01,DC=contoso,DC=com"\r\n"a ""b""";"";"x\r\ny"\r\n'
)
JSON = (
    r'[{"Name": "HYPER01", "When": "\/Date(1700000000000)\/", "Raw": {"base64": "AQI="},'
    ' "Deep": {"Value": ["a", {"Name": "b"}]}}, {"Name": null}]',
    '{"value": [{"Name": "a"}], "Count": 1}',
)
LDIF = (
    "version: 1\n\ndn: CN=HYPER01,DC=contoso,\n DC=com\nchangetype: add\n"
    f"objectSid:: {base64.b64encode(sid_to_bytes(EVERYONE)).decode()}\ncn: a\n\n"
    "# x\ndn:: Q049YQ==\n"
)
ICACLS = f"ISOs\\Prüfung.iso\r\n{SDDL[0]}\r\n"
SEEDS = Path(__file__).parent / "seeds"


def taken(records) -> None:
    """Every record, and what is asked of one."""
    for record in records:
        assert isinstance(record, Record)
        record.text("Name"), record.first("objectSid"), record.has("dn"), record.lost("Password")


def text(records):
    """A reader of text as one of bytes; halves of characters may be among them."""
    return lambda data: taken(records(data.decode("utf-8", "surrogatepass"), "export"))


def read_any(data: bytes) -> None:
    said = reading.decoded(data, "export")
    taken(reading.reader(said, "export")(said, "export"))


def read_trace(data: bytes) -> None:
    found = diagnose([source(io.BytesIO(data), "trace")])
    json.dumps(found.data())
    found.to_frame()


def read_scope(data: bytes) -> None:
    found = scope.parse(data.decode("utf-8", "surrogatepass"), "scope.yaml")
    found.digest()


def read_evidence(data: bytes) -> None:
    evidence.read(io.BytesIO(data), "evidence.jsonl.gz")


def read_evidence_lines(data: bytes) -> None:
    """What somebody wrote who knows how to close an evidence file."""
    lines = data if data.endswith(b"\n") else data + b"\n"
    end = {"end": lines.count(b"\n"), "sha256": hashlib.sha256(lines).hexdigest()}
    whole = gzip.compress(lines + json.dumps(end).encode(), 1, mtime=0)
    found = evidence.read(io.BytesIO(whole), "evidence.jsonl.gz")
    again = evidence.read(io.BytesIO(evidence.dumps(found)), "again")
    assert again == found
    assert again.digest() == found.digest()


def read_assessment(data: bytes) -> None:
    assessment.loads(data, "assessment.json")


def read_pack(data: bytes) -> None:
    folder = _folder()
    (folder / pack.MANIFEST).write_bytes(data)
    pack.examine(folder)


def read_collected(data: bytes) -> None:
    folder = _folder()
    (folder / manifest.NAME).write_bytes(data)
    manifest.read(folder)


def read_key(data: bytes) -> None:
    key.load(_file("key.json", data))


def read_waivers(data: bytes) -> None:
    waivers.read_list(_file("waivers.csv", data))


def read_workbook(data: bytes) -> None:
    """A sheet in a workbook, read as it is there in a process of its own: it may end that one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as book:
        for name, content in {**_workbook(), SHEET: data}.items():
            book.writestr(name, content)
    child = os.fork()
    if child == 0:
        try:
            spreadsheet._read(buffer.getvalue())
            os._exit(0)
        except (ValueError, MemoryError):
            os._exit(REFUSED)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in (0, REFUSED, -signal.SIGABRT), ended
    if ended:
        raise ValueError("refused")


def read_journal(data: bytes) -> None:
    folder = _folder() / "journals"
    folder.mkdir(exist_ok=True)
    (folder / ".s_1.journal").write_bytes(data)
    journal.unfinished(folder, "s", "digest", MOMENT)


def read_signature(data: bytes) -> None:
    of_manifest(b"{}", data, scope.Role.AUDITOR, "manifest.p7s", ())


def read_trust(data: bytes) -> None:
    roots([_file("ca.pem", data)])


def read_pdf(data: bytes) -> None:
    attached(data)
    in_pdf(data, "report.pdf", ())


@cache
def _folder() -> Path:
    made = _KEPT.enter_context(tempfile.TemporaryDirectory(prefix="vmmaudit-fuzz-"))
    (Path(made) / "a.json").write_bytes(b"{}")
    return Path(made)


def _file(name: str, data: bytes) -> Path:
    path = _folder() / name
    path.write_bytes(data)
    return path


_KEPT = contextlib.ExitStack()
REFUSED = 3
MOMENT = datetime.now(UTC)


@cache
def _workbook() -> dict[str, bytes]:
    return workbook()


def _journal() -> bytes:
    """The evidence of two batches, of which the first is none."""
    made = (DEMO / pack.EVIDENCE).read_bytes()
    lines = _evidence_lines()
    end = {"end": lines.count(b"\n"), "sha256": hashlib.sha256(lines).hexdigest()}
    small = gzip.compress(lines + json.dumps(end).encode(), 1, mtime=0)
    parts = b"".join(len(part).to_bytes(4, "little") + part for part in (small, made))
    return journal._head("digest") + parts


_A = hashlib.sha256(b"{}").hexdigest()


def _evidence_lines() -> bytes:
    """A small one of every kind of line."""
    made = evidence.read(io.BytesIO((DEMO / pack.EVIDENCE).read_bytes()), "demo")
    by = evidence.Reader("a", "b")
    some = list(made.answers.items())[:3]
    few = {question: replace(answer, by=by, taken=_A) for question, answer in some}
    gaps = {
        evidence.Question("a", "x"): evidence.Gap(
            evidence.Reason.TIMEOUT, "No.", made.origin.moment, by
        )
    }
    small = evidence.Evidence(made.origin, few, gaps)
    return b"\n".join(gzip.decompress(evidence.dumps(small)).split(b"\n")[:-2]) + b"\n"


def _certificate() -> bytes:
    signed = cms.ContentInfo.load((SEEDS / "signature.p7s").read_bytes())["content"]
    return signed["certificates"][0].chosen.dump()


def _pdf() -> bytes:
    import pikepdf

    document = pikepdf.new()
    document.add_blank_page()
    document.attachments["scope.yaml"] = pikepdf.AttachedFileSpec(document, b"format: 1")
    buffer = io.BytesIO()
    document.save(buffer, deterministic_id=True)
    return buffer.getvalue()


def _assessment() -> bytes:
    from vmmaudit.judge import judge

    made = evidence.read(io.BytesIO((DEMO / pack.EVIDENCE).read_bytes()), "demo")
    whole = json.loads(assessment.dumps(judge(made, scope.load(DEMO / pack.SCOPE))))
    few = {name: whole[name][:2] for name in ("verdicts", "shares", "readiness")}
    return json.dumps({**whole, **few}).encode()


YAML = tuple(
    f"{part}\n".encode()
    for part in (
        "- a",
        "? a",
        "&a b",
        "*a",
        "<<: *a",
        "!!python/object:os.system x",
        "!!binary AA==",
        "|",
        ">-",
        "{a: b}",
        "[a, b]",
        "---",
        "...",
        "%YAML 1.1",
        "NO",
        "2026-13-41",
        "0x1f",
        "1e999",
        ".nan",
        "~",
        "format: 1",
        "hosts:",
        "- name: HYPER01",
        "libraries:",
        "- share: \\\\a\\b",
        "waivers:",
    )
)
XML = tuple(
    part.encode()
    for part in (
        "<Obj>",
        "</Obj>",
        '<Ref RefId="0"/>',
        "<LST>",
        "</LST>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]>",
        "&b;",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "_xD800_",
        "<DCT>",
        "</DCT>",
        "<En>",
        "</En>",
        '<S N="Key">',
        "</S>",
        "<TNRef RefId='0'/>",
        "<BA>",
        "</BA>",
    )
)
JSONS = tuple(
    part.encode()
    for part in (
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        '"a"',
        "null",
        "true",
        "1e999",
        "-0",
        "1" * 5000,
        "NaN",
        '"\\ud800"',
        '{"base64": "AA=="}',
        '"value"',
        '"Count"',
        "[[",
        '{"a":',
    )
)
SHEETS = tuple(
    part.encode()
    for part in (
        "<row>",
        "</row>",
        '<c r="XFD1048576">',
        '<c r="A0">',
        '<c t="s">',
        '<c t="inlineStr"><is><t>x</t></is></c>',
        "<v>99999999</v>",
        "<v>-1</v>",
        "<v>1e999</v>",
        '<dimension ref="A1:XFD1048576"/>',
        "<f>A1</f>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]>",
        "&b;",
        "&#xD800;",
    )
)
TRACES = tuple(
    sample.encode()
    for sample in (samples.JOB, samples.T1, samples.T2, samples.T3, samples.T4, samples.T5)
)

TARGETS = (
    Target(
        "clixml",
        text(clixml.records),
        (ImportsError, UnicodeDecodeError),
        (HOST.encode(),),
        8192,
        XML,
    ),
    Target("csv", text(csv.records), (ImportsError, UnicodeDecodeError), (CSV.encode(),)),
    Target(
        "json",
        text(json_export.records),
        (ImportsError, UnicodeDecodeError),
        tuple(one.encode() for one in JSON),
        words=JSONS,
    ),
    Target("ldif", text(ldif.records), (ImportsError, UnicodeDecodeError), (LDIF.encode(),)),
    Target("icacls", text(icacls.records), (ImportsError, UnicodeDecodeError), (ICACLS.encode(),)),
    Target(
        "sc",
        text(sc.records),
        (ImportsError, UnicodeDecodeError),
        (
            CONFIGURED.format(word="ERFOLG").encode(),
            RUNNING.encode(),
            MISSING.format(word="FEHLER", sentence="Der Dienst ist nicht installiert.").encode(),
        ),
    ),
    Target(
        "export",
        read_any,
        (ImportsError,),
        (
            HOST.encode(),
            CSV.encode("cp1252"),
            JSON[0].encode(),
            LDIF.encode(),
            ICACLS.encode("utf-16-le"),
            b"\xef\xbb\xbf" + CSV.encode(),
            b"\xfe\xff" + CSV.encode("utf-16-be"),
        ),
        8192,
        XML + JSONS,
    ),
    Target("trace", read_trace, (UsageError,), TRACES, 8192),
    Target(
        "scope",
        read_scope,
        (ScopeError, UnicodeDecodeError),
        ((DEMO / pack.SCOPE).read_bytes(),),
        4096,
        YAML,
    ),
    Target(
        "evidence", read_evidence, (EvidenceError,), ((DEMO / pack.EVIDENCE).read_bytes(),), 16384
    ),
    Target(
        "evidence-lines", read_evidence_lines, (EvidenceError,), (_evidence_lines(),), 16384, JSONS
    ),
    Target("assessment", read_assessment, (PackError,), (_assessment(),), 8192, JSONS),
    Target(
        "pack",
        read_pack,
        (PackError,),
        (
            json.dumps(
                {"format": 1, "files": [{"path": "a.json", "size": 2, "sha256": _A}]}
            ).encode(),
        ),
        2048,
        (*JSONS, b"../a", b"/etc/passwd", b"C:\\\\a", b"\\u0000"),
    ),
    Target(
        "collected",
        read_collected,
        (ImportsError,),
        (
            json.dumps(
                {
                    "ScriptVersion": "1",
                    "StartUtc": "",
                    "EndUtc": "",
                    "Host": "a",
                    "User": "b",
                    "UserSid": "c",
                    "Files": [{"Name": "a.json", "SHA256": _A}],
                }
            ).encode(),
        ),
        2048,
        (*JSONS, b"../a", b"\\u0000.json"),
    ),
    Target("pseudonym-key", read_key, (PackError,), (key.new().dumps("pack"),), 2048, JSONS),
    Target(
        "waivers",
        read_waivers,
        (ScopeError,),
        (b"Kontrolle;Gegenstand;Grund;bis\r\nLIB-01;*;Umbau;31.12.2026\r\n",),
    ),
    Target("signature", read_signature, (AuditError,), ((SEEDS / "signature.p7s").read_bytes(),)),
    Target("certificate", read_trust, (UsageError,), (_certificate(),), 2048),
    Target("pdf", read_pdf, (AuditError,), (_pdf(),), 16384),
    Target("workbook", read_workbook, (ValueError,), (workbook()[SHEET],), 8192, SHEETS),
    Target("journal", read_journal, (), (_journal(),), 32768),
)
