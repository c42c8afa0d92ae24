from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.imports import test_clixml, test_icacls, test_json, test_ldif, test_sc
from vmmaudit.imports import clixml, csv, icacls, json, ldif, reading, sc
from vmmaudit.imports.record import ImportsError

SAMPLES = {
    '#TYPE A.B\r\n"Name","Path"\r\n"ä","b"\r\n': csv,
    '"Name";"Größe"\r\n"a";"b"\r\n': csv,
    "Name\tPath\r\na\tb\r\n": csv,
    "Name;Konto\r\na;b\r\n": csv,
    '"Name"\r\n"a"\r\n': csv,
    '[{"Name": "Größe"}]': json,
    '\r\n{"Name": "a"}': json,
    test_clixml.HOST: clixml,
    test_ldif.LDIFDE: ldif,
    "# a\n b\n\nversion: 1\ndn: CN=a\n": ldif,
    test_icacls.SAVED: icacls,
    "O:BAG:SYD:(A;;FA;;;BA)\r\n": icacls,
    test_sc.CONFIGURED.format(word="ERFOLG"): sc,
    test_sc.RUNNING: sc,
    test_sc.MISSING.format(word="FEHLER", sentence="Kein Dienst für Sie."): sc,
}


@pytest.mark.parametrize("text", SAMPLES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_format_and_encoding_are_told_by_the_content(tmp_path: Path, text: str, encoding: str):
    path = tmp_path / "export.dat"
    path.write_bytes(text.encode(encoding))
    assert reading.decoded(path.read_bytes(), path.name) == text
    assert reading.reader(text, path.name) is SAMPLES[text].records
    found = list(reading.read(path))
    assert found
    assert {record.source for record in found} == {"export.dat"}


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "cp437"])
@pytest.mark.parametrize("text", ["VORDEFINIERT\\Domänen-Admins für Größen", "„Straße“ mit Maß"])
def test_code_pages_of_windows(encoding: str, text: str):
    if encoding != "cp1252":
        text = text.replace("„", '"').replace("“", '"')
    assert reading.decoded(text.encode(encoding), "a") == text


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"PK\x03\x04xl", "a, line 1: it is an Excel or ZIP file; save"),
        (b"ElfFile\0", "a, line 1: it is an event log"),
        (b"\xff\xfea\0b", "a, line 1: it is not UTF-16-LE throughout"),
        (b"words only", "a, line 1: no format is recognised"),
        (b"a\n\0\1\2 and more of it", "a, line 2: it is no text file"),
        (b"", "a, line 1: no format is recognised"),
        (b"<html>", "a, line 1: it is XML but not CLIXML"),
    ],
)
def test_what_is_not_read(tmp_path: Path, data: bytes, sentence: str):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(ImportsError) as caught:
        list(reading.read(tmp_path / "a"))
    assert str(caught.value).startswith(sentence)


def test_a_file_that_is_not_there_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ImportsError, match=r"^b\.csv, line 1: it cannot be opened: No such file"):
        list(reading.read(tmp_path / "b.csv"))
    (tmp_path / "b.csv").write_text("a,b\n")
    monkeypatch.setattr(reading, "LIMIT", 3)
    with pytest.raises(ImportsError, match="it has 4 bytes, at most 3 are read"):
        list(reading.read(tmp_path / "b.csv"))


@given(st.sampled_from(list(SAMPLES)), st.integers(0, 400), st.binary(max_size=8))
@settings(max_examples=300, deadline=None)
def test_hostile_bytes(text: str, place: int, added: bytes):
    data = text.encode()
    said = ""
    try:
        found = reading.decoded(data[:place] + added + data[place:], "a")
        list(reading.reader(found, "a")(found, "a"))
    except ImportsError as error:
        said = str(error)
    assert not said or said.startswith("a, line ")


def test_no_sample_is_of_the_wrong_module():
    assert set(SAMPLES.values()) == {csv, json, clixml, ldif, icacls, sc}
    assert test_json.objects('{"a": 1}')
