"""Whose identity, which file, which code: stated, inferred or unknown, never guessed."""

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.diagnosis import samples
from tests.diagnosis.samples import diagnosed, only
from vmmaudit.controls import CATALOGUE
from vmmaudit.diagnosis import codes, rank
from vmmaudit.diagnosis.codes import Kind, Relevance
from vmmaudit.diagnosis.failures import Confidence, Identity, Note
from vmmaudit.diagnosis.stamp import stamp
from vmmaudit.errors import UsageError

FILE = samples.FILE
QUOTES = ["''", "‘’", "“”", "„“", "«»", "»«", "‚‘"]


@pytest.mark.parametrize("quotes", QUOTES)
@pytest.mark.parametrize(
    ("text", "identity", "confidence"),
    [
        (
            "'VM-1': User account does not have permission required to open attachment '{}'.",
            Identity.ACCOUNT,
            Confidence.STATED,
        ),
        (
            "'VM-1': User Account does not have sufficient privilege to open attachment '{}'.",
            Identity.ACCOUNT,
            Confidence.STATED,
        ),
        (
            r"'VM-1': The Machine Account 'CONTOSO\HYPER01$' does not have read access to file "
            "share '{}'. Please add this computer account to the security group of file share.",
            Identity.COMPUTER,
            Confidence.STATED,
        ),
        (
            "'VM-1': Hyper-V Virtual Machine Management service account does not have permission "
            "required to open attachment '{}'.",
            Identity.HYPER_V,
            Confidence.STATED,
        ),
        (
            "'VM-1': Das Benutzerkonto darf die Anlage '{}' nicht öffnen.",
            Identity.ACCOUNT,
            Confidence.INFERRED,
        ),
        (
            r"'VM-1': 'CONTOSO\HYPER01$' kann '{}' nicht lesen.",
            Identity.COMPUTER,
            Confidence.INFERRED,
        ),
        ("'VM-1': irgendetwas mit '{}'.", Identity.UNCLEAR, Confidence.NONE),
    ],
)
def test_who_was_refused(text: str, identity: Identity, confidence: Confidence, quotes: str):
    text = text.format(FILE) + " (0x80070005)."
    parts = text.split("'")
    marked = "".join(
        part + (quotes[index % 2] if index < len(parts) - 1 else "")
        for index, part in enumerate(parts)
    )
    failure = only(f"Fehler (12700)\n{marked}")
    assert (failure.identity, failure.confidence) == (identity, confidence)
    assert (failure.file, failure.vm, failure.code) == (FILE, "VM-1", 12700)
    if identity is Identity.COMPUTER:
        assert failure.account == r"CONTOSO\HYPER01$"
        assert failure.host == "HYPER01"


@pytest.mark.parametrize("value", ["0x80070002", "0x80070035", "0x80070043"])
def test_a_missing_file_refuses_nobody(value: str):
    failure = only(f"Error (12700)\n'VM': cannot open attachment '{FILE}'. ({value})")
    assert failure.identity is Identity.NOBODY
    assert "LIB-03" in rank.controls(failure)


def test_an_unrelated_12700_accuses_nobody():
    failure = only(
        "Error (12700) VMM cannot complete the Hyper-V operation on the h.contoso.com server "
        "because of the error: Failed to import. Error: One or more arguments are invalid "
        "(0x80070057) (Unknown error (0x8005))"
    )
    assert (failure.identity, failure.host) == (Identity.NONE, "h.contoso.com")
    assert (failure.hresult, failure.status) == ("0x80070057", "0x8005")
    assert rank.controls(failure) == ()


def test_two_files_in_one_text_are_two_failures():
    text = samples.MACHINE + samples.MACHINE.split("\n\n")[1].replace("Web-01", "Web-02").replace(
        "en_windows", "de_windows"
    )
    first, second = diagnosed(text).timeline
    assert (first.vm, second.vm) == ("Web-01", "Web-02")
    assert second.file.endswith(r"\de_windows_server_2008_r2.iso")
    assert first.code == second.code == 12700


def test_two_machines_of_one_block_are_both_told_and_named():
    assert Note.TWO_MACHINES in only(samples.T1).notes
    assert Note.TWO_MACHINES not in only(samples.MACHINE).notes


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (
            "Set-SCVirtualDVDDrive : VMM cannot complete it (Error ID: 12700, Detailed Error: x)",
            12700,
        ),
        ("Fehler (12700)\nVMM kann den Vorgang nicht abschließen.", 12700),
        ("Warnung (13206)\nx", 13206),
        ("Error (99999)\nSomething new.", 99999),
    ],
)
def test_codes_of_texts(text: str, code: int):
    failure = only(text)
    assert failure.code == code
    assert codes.code(code).relevance is (
        Relevance.UNKNOWN if code == 99999 else codes.CODES[code].relevance
    )


def test_decimal_codes_of_ws_management_are_normalised():
    failure = only('Error (2927)\n<f:WSManFault Code="2150859010" Machine="h"/>')
    assert failure.hresult == "0x80338102"


def test_unknown_results_are_unknown():
    assert codes.result("0x80074321").symbol == "Win32 17185"
    assert codes.result("0x80074321").kind is Kind.UNKNOWN
    assert codes.result("0x8abc1234") == codes.Result("0x8ABC1234", "", Kind.UNKNOWN, "")
    assert codes.code(2604, "SomeName") == codes.Code(2604, "SomeName", Relevance.UNKNOWN, "")


def test_every_known_code_has_a_source():
    assert all(code.source for code in codes.CODES.values())
    assert all(result.source for result in codes.RESULTS.values())


def test_the_ranking_begins_with_what_the_identity_points_at():
    assert rank.BY_IDENTITY[Identity.ACCOUNT][0] == "DEL-01"
    assert rank.BY_IDENTITY[Identity.COMPUTER][0] == "PRM-01"
    named = {name for names in rank.BY_IDENTITY.values() for name in names}
    assert {"DEL-01", "DEL-02", "ACC-06", "PRM-03", "PRM-06", "PRM-01", "PRM-04", "HST-01"} <= (
        named & {control.id for control in CATALOGUE}
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("09/23-14:56:38.031", "--09-23 14:56:38.031"),
        ("02/29-14:56:38", "--02-29 14:56:38"),
        ("04:24:10.457 02-10-2014", "2014-02-10 04:24:10.457"),
        ("23.09.2026 14:56:38", "2026-09-23 14:56:38"),
        ("9/23/2026 2:56:38 PM", "2026-09-23 14:56:38"),
        ("23/9/2026 12:56:38 AM", "2026-09-23 00:56:38"),
        ("9/9/2026 12:56:38 PM", "2026-09-09 12:56:38"),
        ("9/10/2026 2:56:38 PM", "9/10/2026 2:56:38 PM"),
        ("2026-09-23T12:56:38.0312345Z", "2026-09-23 12:56:38.0312345 UTC"),
        ("2026-09-23T12:56:38+02:00", "2026-09-23 12:56:38 +02:00"),
        ("\u200e2026\u200e/\u200e09\u200e/\u200e23-12:56:38", "2026-09-23 12:56:38"),
        ("/Date(1790000000000)/", "2026-09-21 14:13:20.000 UTC"),
        ("13/45-14:56:38", "None"),
        ("no time", "None"),
    ],
)
def test_times_are_read_as_far_as_they_are_clear(text: str, shown: str):
    assert str(stamp(text)) == shown


def test_apostrophes_may_stand_in_names():
    failure = only(
        "Error (12700)\nVMM can't do it. 'Bob's VM': User account does not have permission "
        r"required to open attachment '\\srv\share\Bob's ISOs\a's.iso'. (0x80070005)"
    )
    assert (failure.vm, failure.file) == ("Bob's VM", r"\\srv\share\Bob's ISOs\a's.iso")


def test_a_refusal_without_any_result_is_a_failure_too():
    failure = only(
        r"'Web': The Machine Account 'CONTOSO\HYPER07$' does not have read access to file share "
        r"'\\srv\share\a.iso'. Please add this machine account to the file share security."
    )
    assert (failure.identity, failure.hresult, failure.host) == (Identity.COMPUTER, "", "HYPER07")


def test_german_texts_are_read_as_far_as_their_signs_go():
    failure = only(
        "Fehler (12700)\nVMM kann den Hostvorgang auf dem Server HYPER07.contoso.com nicht "
        "abschließen.\n\n„Prüf-VM“: Das Computerkonto „CONTOSO\\HYPER07$“ besitzt keinen "
        r"Lesezugriff auf die Dateifreigabe „\\srv\share\Prüfung ä.iso“. Fehler: „Allgemeiner "
        "Zugriff verweigert“ (0x80070005). (ID des virtuellen Computers "
        f"{samples.SECOND})"
    )
    assert (failure.identity, failure.confidence) == (Identity.COMPUTER, Confidence.INFERRED)
    assert (failure.host, failure.vm) == ("HYPER07", "Prüf-VM")
    assert failure.file == r"\\srv\share\Prüfung ä.iso"
    assert failure.machines == (samples.SECOND,)


PIECES = st.sampled_from(
    [
        *(samples.T1, samples.T2, samples.T5, samples.JOB, samples.MACHINE, samples.POWERSHELL),
        *("Error (12700)\n", "'", "‘", r"'\\a\b", "(0x80070005)", "[2432]", "(ID ", "\n", "\r\n"),
        *(
            "<Event>",
            '{"a":',
            "Level,Source\n",
            "*** Carmine error was: X (1)",
            "\0",
            "\ufeff",
            "$'",
        ),
        *("09/31-25:61:61.0", "0x8abc1234", 'Code="2999999999"', "got error: 32769", "/Date(9" * 3),
    ]
)


@given(st.lists(PIECES | st.text(max_size=20), max_size=12), st.sampled_from(["utf-8", "utf-16"]))
@settings(max_examples=150, deadline=None)
def test_nothing_written_by_others_makes_it_stumble(pieces: list[str], encoding: str):
    data = "".join(pieces).encode(encoding, "surrogatepass")
    try:
        found = diagnosed(data)
    except UsageError:
        return
    assert str(found)
    assert found._repr_html_()


@given(st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_no_bytes_make_it_stumble(data: bytes):
    with contextlib.suppress(UsageError):
        assert str(diagnosed(data))


@pytest.mark.parametrize("piece", ["'", r"'\\a\b", "(ID ", "'a': ", r"\\", "Server a.a"])
def test_no_text_takes_long(piece: str):
    began = time.perf_counter()
    diagnosed("Error (12700) 0x80070005 " + piece * (65_000 // len(piece)))
    assert time.perf_counter() - began < 10  # a pattern that runs wild takes minutes
