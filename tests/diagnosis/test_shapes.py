"""Every shape that was published, in every encoding: the same failure comes out."""

import pytest

from tests.diagnosis import samples
from tests.diagnosis.samples import diagnosed, only
from vmmaudit.diagnosis.failures import Confidence, Identity, Kept, Note
from vmmaudit.errors import UsageError


def test_the_seed_trace():
    failure = only(samples.T1)
    assert (failure.code, failure.name) == (12700, "VirVMAsyncTaskError")
    assert (failure.hresult, failure.status) == ("0x80070005", "0x8001")
    assert (failure.host, failure.vm) == ("HYPER01.contoso.com", "Contoso-DC")
    assert failure.file == r"\\Contoso-VMM\MSSCVMMLibrary\ISOs\ en_windows_server_2008_r2.iso"
    assert (failure.identity, failure.confidence) == (Identity.ACCOUNT, Confidence.STATED)
    assert failure.machines == (samples.FIRST, samples.SECOND)
    assert failure.notes == (Note.NO_YEAR, Note.TWO_MACHINES, Note.BLANK_IN_PATH)
    assert failure.seen.kind is Kept.TASK
    assert (failure.seen.sequence, failure.seen.process) == ("00002056", 2432)
    assert str(failure.seen.when) == "--09-23 14:56:38.031"


def test_the_seed_jobs():
    found = diagnosed(samples.JOB)
    follow_up, core = found.timeline
    assert (follow_up.code, follow_up.vm, follow_up.identity) == (13233, "Contoso-DC", "none")
    assert (core.code, core.hresult, core.vm) == (12700, "0x80070005", "Contoso-DC")
    assert core.identity is Identity.ACCOUNT
    assert core.notes == (Note.NO_TIME, Note.BLANK_IN_PATH)
    first, second = found.causes
    assert (first.failure.code, second.failure.code, second.follows) == (12700, 13233, 12700)


def test_the_two_wordings_of_one_error_are_one_cause():
    first, _ = diagnosed(samples.JOB + samples.T1).causes
    assert first.count == 2
    assert str(first.first.when) == "--09-23 14:56:38.031"
    assert first.failure.notes == (Note.NO_YEAR, Note.TWO_MACHINES, Note.BLANK_IN_PATH)


@pytest.mark.parametrize(
    ("text", "code", "hresult", "when", "task"),
    [
        (samples.T2, 2927, "0x80338102", "--07-29 02:36:09.104", "aceeab52"),
        (samples.T3, 12700, "0x80070057", "--06-24 23:57:57.717", ""),
        (samples.T4, 2606, "", "2014-02-10 04:24:10.457", "aceeab52"),
        (samples.T5, 2912, "0x80041001", "2014-02-10 04:24:10.457", ""),
        (samples.T6, 12700, "0x80070005", "2014-02-10 04:24:10.457", ""),
        (samples.T7, 25310, "", "2011-12-13 11:22:27.519", ""),
        (samples.BARE, 444, "", "--08-30 03:28:22.879", ""),
    ],
    ids=["T2", "T3", "T4", "T5", "T6", "T7", "bare"],
)
def test_other_shapes(text: str, code: int, hresult: str, when: str, task: str):
    found = diagnosed(text)
    assert found.inputs[0].form == "trace"
    (failure,) = found.timeline
    assert (failure.code, failure.hresult) == (code, hresult)
    assert str(failure.seen.when) == when
    assert failure.seen.task[:8] == task


def test_hosts_are_read_where_the_text_names_them():
    assert only(samples.T2).host == "hyper03.contoso.com"
    assert only(samples.T5).host == "hyper01.contoso.com"
    assert only(samples.T3).status == "0x8000"


@pytest.mark.parametrize("text", [samples.T1, samples.JOB, samples.MACHINE, samples.T6])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_every_encoding_gives_the_same(text: str, ends: str, encoding: str):
    text = text.replace("\u200e", "")  # cp1252 has no direction marks
    expected = [f.key for f in diagnosed(text).timeline]
    assert expected
    found = diagnosed(text.replace("\n", ends).encode(encoding))
    assert [f.key for f in found.timeline] == expected


def test_umlauts_survive_cp1252_far_behind_an_ascii_head():
    everyday = "00000034 4.6 [5600] 15E0.1740::07/29-02:36:09.090#14:A.cs(1): everyday\n" * 2000
    trace = everyday + samples.T1.replace("Contoso-DC", "Prüfung")
    assert only(trace.encode("cp1252")).vm == "Prüfung"


def test_powershell_breaks_the_path_at_a_blank():
    failure = only(samples.POWERSHELL)
    assert failure.file == r"\\TT-FS01\Products\Windows Server 2019\en_windows_server_2019.iso"
    assert (failure.code, failure.vm) == (None, "EXT-DC10")
    assert failure.identity is Identity.ACCOUNT
    assert len(failure.machines) == 1


def test_interleaved_processes_are_told_apart():
    other = samples.T1.replace("[2432]", "[388]").replace("0980.0570", "0184.0008")
    other = other.replace("HYPER01", "HYPER02").replace("Contoso-DC", "Other")
    mixed = [
        line
        for pair in zip(samples.T1.split("\n"), other.split("\n"), strict=True)
        for line in pair
    ]
    first, second = diagnosed("\n".join(mixed)).timeline
    assert (first.host, first.vm, first.seen.process) == ("HYPER01.contoso.com", "Contoso-DC", 2432)
    assert (second.host, second.vm, second.seen.process) == ("HYPER02.contoso.com", "Other", 388)
    assert first.identity is second.identity is Identity.ACCOUNT


def test_a_damaged_line_is_named():
    assert Note.DAMAGED in only(samples.T1.replace("0980.", "0981.")).notes


def test_a_continuation_without_its_head_still_tells():
    failure = only("\n".join(samples.T1.split("\n")[1:]))
    assert (failure.code, failure.host, failure.identity) == (None, "", Identity.ACCOUNT)
    assert failure.notes == (Note.NO_TIME, Note.BLANK_IN_PATH)


def test_everyday_lines_are_no_failures():
    assert not diagnosed(samples.T4.split("\n")[1]).timeline
    assert not diagnosed("Das ist ein Text.\n\nOhne Fehler.").timeline
    assert not diagnosed("").timeline


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"ElfFile\x00rest", "save it from the event viewer as XML or CSV"),
        (b"PK\x03\x04", "unpack"),
        (bytes(range(256)) * 20 + b"\x00\x01\x00\x07" * 500, "netsh trace convert"),
    ],
)
def test_binary_formats_are_refused_with_advice(data: bytes, said: str):
    with pytest.raises(UsageError, match=said):
        diagnosed(data)
