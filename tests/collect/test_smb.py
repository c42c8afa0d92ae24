"""File servers that are not there, hang, lie or forget us; no lab is needed for these."""

import contextlib
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smbprotocol.connection import Commands
from smbprotocol.exceptions import (
    SMBAuthenticationError,
    SMBConnectionClosed,
    SMBException,
    SMBResponseException,
)
from smbprotocol.header import Smb2Flags, SMB2HeaderResponse
from smbprotocol.open import SMB2CreateRequest
from spnego.exceptions import NoCredentialError

from tests import stubs
from vmmaudit import questions
from vmmaudit.collect import rpc
from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.smb import FileServer, failures, messages
from vmmaudit.collect.smb import connection as smb_connection
from vmmaudit.collect.smb import server as smb_server
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Gap, Question, Reason
from vmmaudit.scope import Domain
from vmmaudit.windows.status import NtStatus

DOMAIN = Domain.model_validate({"name": "contoso.com", "auth": "ccache"})
SERVER = "localhost"
SETTINGS = questions.smb_server(SERVER)


def server(**options: Any) -> FileServer:
    return FileServer(SERVER, DOMAIN, Vault(), **options)


def status_error(code: int) -> SMBResponseException:
    header = SMB2HeaderResponse()
    header["status"] = code
    return SMBResponseException(header)


# -- servers that cannot be talked to ---------------------------------------------------------


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[socket.socket]]]:
    """Starts a server on the SMB port that says `words` to everybody, and hangs up or not."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setattr(smb_connection, "PORT", listening.getsockname()[1])
        accepted: list[socket.socket] = []

        def start(words: bytes = b"", hang_up: bool = False) -> list[socket.socket]:
            def serve() -> None:
                with contextlib.suppress(OSError):
                    while True:
                        connection, _ = listening.accept()
                        accepted.append(connection)
                        if words or hang_up:
                            connection.recv(10)
                        connection.sendall(words)
                        if hang_up:
                            connection.close()

            threading.Thread(target=serve, daemon=True).start()
            return accepted

        yield start
        listening.shutdown(socket.SHUT_RDWR)
        for connection in accepted:
            connection.close()


def test_a_server_that_says_nothing(listener: Callable[..., list[socket.socket]]):
    accepted = listener()
    begun = time.monotonic()
    asked = server(connect_seconds=0.3)
    gaps = asked.answer([SETTINGS] * 100)
    assert {gap.reason for gap in gaps if isinstance(gap, Gap)} == {Reason.TIMEOUT}
    asked.answer([SETTINGS])
    assert time.monotonic() - begun < 15, "a hundred time-outs take half a minute"
    assert len(accepted) == 1, "a failure is remembered"


def test_a_server_that_hangs_up(listener: Callable[..., list[socket.socket]]):
    listener(hang_up=True)
    (gap,) = server().answer([SETTINGS])
    assert isinstance(gap, Gap)
    assert gap.reason is Reason.UNREACHABLE
    assert "SMB 1 only" in gap.text


@pytest.mark.parametrize(
    "words",
    [
        b"\0\0\0\x10" + b"SSH-2.0-OpenSSH!",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\0\0\0\x40\xfeSMB" + bytes(60),
        b"\0\0\0\x60\xfeSMB\x40" + bytes(91),
        b"\0\0\0\x34\xfdSMB" + bytes(48),
    ],
)
def test_a_server_that_talks_something_else(
    words: bytes, listener: Callable[..., list[socket.socket]]
):
    listener(words)
    asked = server(connect_seconds=2)
    (gap,) = asked.answer([SETTINGS])
    assert isinstance(gap, Gap)
    assert gap.reason in (Reason.MALFORMED_REPLY, Reason.UNREACHABLE), gap
    assert gap.text.startswith("localhost ")
    asked.close()


@given(st.binary(max_size=200))
def test_garbage_is_a_gap(words: bytes):
    """Whatever the first packet holds, a gap comes of it."""
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as listening:
        patch.setattr(smb_connection, "PORT", listening.getsockname()[1])

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listening.accept()
                with connection:
                    connection.recv(10)
                    connection.sendall(struct.pack(">I", len(words) + 4) + b"\xfeSMB" + words)
                    connection.recv(1000)

        thread = threading.Thread(target=serve)
        thread.start()
        (gap,) = server(connect_seconds=1, request_seconds=1).answer([SETTINGS])
        thread.join()
    assert isinstance(gap, Gap)
    assert gap.reason in (Reason.MALFORMED_REPLY, Reason.UNREACHABLE, Reason.TIMEOUT)


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setattr(smb_connection, "PORT", listening.getsockname()[1])
    (gap,) = server().answer([SETTINGS])
    assert isinstance(gap, Gap)
    assert gap.reason is Reason.UNREACHABLE
    assert "refuses connections" in gap.text


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a" * 64 + ".invalid"])
def test_a_name_without_an_address(name: str):
    (gap,) = FileServer(name, DOMAIN, Vault()).answer([questions.smb_server(name)])
    assert isinstance(gap, Gap)
    assert gap.reason is Reason.UNRESOLVABLE
    assert name in gap.text


def test_a_reference_that_leads_to_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NOT_SET", raising=False)
    auth = {"user": "x@contoso.com", "secret": "env:NOT_SET"}
    domain = Domain.model_validate({"name": "contoso.com", "auth": auth})
    (gap,) = FileServer(SERVER, domain, Vault()).answer([SETTINGS])
    assert isinstance(gap, Gap)
    assert gap.reason is Reason.AUTHENTICATION_FAILED
    assert "NOT_SET" in gap.text


# -- sessions that end ------------------------------------------------------------------------


class MadeUpSession:
    """Answers `smb.server` questions by a script of exceptions and None, then always."""

    script: list[BaseException | None]
    opened: int

    def __init__(self, *_: Any) -> None:
        type(self).opened += 1
        self.connection = self
        self.credits = 100
        self.server_security_mode = 1
        self.dialect = 0x0311

    @property
    def server_guid(self) -> Any:
        failure = self.script.pop(0) if self.script else None
        if failure:
            raise failure
        return uuid.UUID(int=1)

    def hang_up(self) -> None:
        pass

    close = hurry = hang_up


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> type[MadeUpSession]:
    found = type("Session", (MadeUpSession,), {"script": [], "opened": 0})
    monkeypatch.setattr(smb_server, "Session", found)
    return found


# -- an offer of SMB 1 ------------------------------------------------------------------------

LEGACY = questions.legacy_smb(SERVER)


def framed(message: bytes) -> bytes:
    return struct.pack(">I", len(message)) + message


@pytest.mark.parametrize("reply", [stubs.smb1_chosen(), stubs.smb1_declined()])
def test_what_a_server_says_to_an_offer_of_smb_1(
    reply: bytes, listener: Callable[..., list[socket.socket]]
):
    """Nobody logs on: a reference that leads to nothing is not even looked at."""
    accepted = listener(framed(reply))
    domain = Domain.model_validate(
        {"name": "contoso.com", "auth": {"user": "x@contoso.com", "secret": "env:NOT_SET"}}
    )
    (told,) = FileServer(SERVER, domain, Vault()).answer([LEGACY])
    assert isinstance(told, Answer), told
    assert told.rows[0].values == {"reply": (reply,)}
    assert told.source == SERVER
    assert len(accepted) == 1


def test_it_is_told_of_a_server_that_lets_nobody_in(
    listener: Callable[..., list[socket.socket]],
):
    listener(framed(stubs.smb1_chosen()))
    settings, legacy = server(connect_seconds=2).answer([SETTINGS, LEGACY])
    assert isinstance(settings, Gap)
    assert isinstance(legacy, Answer)


def test_who_hangs_up_on_everybody_says_nothing(listener: Callable[..., list[socket.socket]]):
    accepted = listener(hang_up=True)
    legacy, settings = server(connect_seconds=2).answer([LEGACY, SETTINGS])
    for found in (legacy, settings):
        assert isinstance(found, Gap)
        assert found.reason is Reason.UNREACHABLE
    assert len(accepted) == 2, "the offer and one try to log on"


@pytest.mark.unverified
def test_who_hangs_up_on_smb_1_alone_does_not_speak_it(
    listener: Callable[..., list[socket.socket]], session: type[MadeUpSession]
):
    listener(hang_up=True)
    legacy, settings = server().answer([LEGACY, SETTINGS])
    assert isinstance(legacy, Answer)
    assert legacy.rows[0].values == {"reply": (b"",)}
    assert isinstance(settings, Answer)
    assert session.opened == 1


@pytest.mark.parametrize(
    "words",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\0",
        b"\0\0\0",
        framed(b""),
        framed(stubs.smb1_chosen())[:-1],
        framed(b"\xfeSMB" + bytes(60)),
        framed(b"\xffSMB" + bytes(28)),
        b"\0\xff\xff\xff\xffSMB",
        b"\x82\0\0\0",
        b"\x85\0\0\0" * 100,
        bytes(4) * 100,
    ],
    ids=repr,
)
def test_what_is_no_reply_to_an_offer_is_a_gap(
    words: bytes, listener: Callable[..., list[socket.socket]]
):
    listener(words, hang_up=True)
    (gap,) = server(connect_seconds=2).answer([LEGACY])
    assert isinstance(gap, Gap)
    assert gap.reason is Reason.MALFORMED_REPLY, gap
    assert gap.text.startswith("Whether localhost speaks SMB 1 could not be told")


@pytest.mark.parametrize("drip", [b"", b"\0", framed(stubs.smb1_chosen())[:40]])
def test_a_reply_that_never_ends_is_not_waited_for(
    drip: bytes, listener: Callable[..., list[socket.socket]]
):
    listener(drip)
    (gap,) = server(connect_seconds=0.3).answer([LEGACY])
    assert isinstance(gap, Gap)
    assert gap.reason is Reason.TIMEOUT


@given(st.binary(max_size=200))
@settings(max_examples=50)
def test_any_reply_to_an_offer_is_a_gap_or_one_of_the_two(words: bytes):
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as listening:
        patch.setattr(smb_connection, "PORT", listening.getsockname()[1])

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listening.accept()
                with connection:
                    connection.recv(100)
                    connection.sendall(framed(b"\xffSMB\x72\0\0\0\0\x88" + words))

        thread = threading.Thread(target=serve)
        thread.start()
        (found,) = server(connect_seconds=1).answer([LEGACY])
        thread.join()
    if isinstance(found, Gap):
        assert found.reason in (Reason.MALFORMED_REPLY, Reason.UNREACHABLE)


def test_a_server_that_is_not_there_is_knocked_at_once(monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setattr(smb_connection, "PORT", listening.getsockname()[1])
    legacy, settings = server().answer([LEGACY, SETTINGS])
    for gap in (legacy, settings):
        assert isinstance(gap, Gap)
        assert "refuses connections" in gap.text
    (gap,) = FileServer("no-such-host.invalid", DOMAIN, Vault()).answer([LEGACY])
    assert isinstance(gap, Gap)
    assert gap.reason is Reason.UNRESOLVABLE


def test_a_failure_that_is_known_is_not_waited_for_again(
    listener: Callable[..., list[socket.socket]],
):
    accepted = listener()
    asked = server(connect_seconds=0.3)
    for question in (SETTINGS, LEGACY, LEGACY):
        (gap,) = asked.answer([question])
        assert isinstance(gap, Gap)
        assert gap.reason is Reason.TIMEOUT
    assert len(accepted) == 1


def test_nothing_is_offered_once_the_run_has_ended(listener: Callable[..., list[socket.socket]]):
    accepted = listener(framed(stubs.smb1_chosen()))
    asked = server()
    asked.close()
    (gap,) = asked.answer([LEGACY])
    assert isinstance(gap, Gap)
    assert gap.reason is Reason.INTERRUPTED
    assert not accepted


def str_of(error: Exception) -> str:
    """The library's own words of a made-up reply end in an error."""
    return f"{type(error).__name__}"


LOST = [
    SMBConnectionClosed("gone"),
    ConnectionResetError(104, "gone"),
    smb_connection.GarbledError(),
    status_error(NtStatus.USER_SESSION_DELETED),
    status_error(NtStatus.NETWORK_SESSION_EXPIRED),
    status_error(NtStatus.NETWORK_NAME_DELETED),
]


@pytest.mark.parametrize("lost", LOST, ids=str_of)
def test_a_lost_session_is_opened_once_more(lost: Exception, session: type[MadeUpSession]):
    session.script[:] = [None, None, lost]
    replies = server().answer([SETTINGS] * 5)
    assert all(isinstance(reply, Answer) for reply in replies)
    assert session.opened == 2


@pytest.mark.parametrize("lost", LOST, ids=str_of)
def test_a_server_that_always_loses_us_is_given_up(lost: Exception, session: type[MadeUpSession]):
    session.script[:] = [None, *[lost] * 100]
    asked = server()
    replies = asked.answer([SETTINGS] * 50)
    assert isinstance(replies[0], Answer)
    assert all(isinstance(reply, Gap) for reply in replies[1:])
    assert session.opened <= 5
    assert isinstance(asked.answer([SETTINGS])[0], Gap)
    assert session.opened <= 5


def test_one_question_that_ends_every_session_costs_its_own_gap(session: type[MadeUpSession]):
    gone = SMBConnectionClosed("gone")
    session.script[:] = [None, gone, gone]
    replies = server().answer([SETTINGS] * 5)
    assert [isinstance(reply, Gap) for reply in replies] == [False, True, False, False, False]


def test_a_server_that_hangs_is_not_asked_everything(session: type[MadeUpSession]):
    session.script[:] = [None, *[smb_connection.LateError()] * 10]
    replies = server().answer([SETTINGS] * 50)
    reasons = {reply.reason for reply in replies[1:] if isinstance(reply, Gap)}
    assert reasons == {Reason.TIMEOUT}
    assert len(session.script) == 6


def test_ctrl_c_passes_through(session: type[MadeUpSession]):
    session.script[:] = [KeyboardInterrupt()]
    asked = server()
    with pytest.raises(KeyboardInterrupt):
        asked.answer([SETTINGS])
    asked.close()


def test_after_close_everything_is_interrupted(session: type[MadeUpSession]):
    asked = server()
    asked.answer([SETTINGS])
    asked.close()
    asked.close()
    (gap,) = asked.answer([SETTINGS])
    assert isinstance(gap, Gap)
    assert gap.reason is Reason.INTERRUPTED
    assert session.opened == 1


def test_a_question_for_somebody_else(session: type[MadeUpSession]):
    replies = server().answer([Question(SERVER, "ldap.search", ("", "base", "", "")), SETTINGS])
    assert [getattr(reply, "reason", None) for reply in replies] == [Reason.NOT_SUPPORTED, None]


# -- what is sent and what is believed --------------------------------------------------------

READING = (
    messages.READ_CONTROL
    | messages.FILE_READ_ATTRIBUTES
    | messages.FILE_LIST_DIRECTORY
    | messages.SYNCHRONIZE
)


@pytest.mark.parametrize("path", ["", "ISOs", "ISOs\\Prüfung.iso", "half\ud800"])
def test_only_rights_to_read_are_asked_for(path: str):
    for requests in (messages.descriptor_requests(path), messages.list_requests(path)):
        create = SMB2CreateRequest()
        create.unpack(requests[0].pack())
        assert create["desired_access"].get_value() & ~READING == 0
        assert create["create_disposition"].get_value() == 1, "only what exists is opened"
        assert create["create_options"].get_value() & ~0x00200001 == 0, "no delete on close"
        assert {request.COMMAND for request in requests} <= {
            Commands.SMB2_CREATE,
            Commands.SMB2_QUERY_INFO,
            Commands.SMB2_QUERY_DIRECTORY,
            Commands.SMB2_CLOSE,
        }


def options_of(create: Any) -> int:
    """CreateOptions (MS-SMB2 2.2.13)."""
    return int(struct.unpack_from("<I", create.pack(), 40)[0])


def test_links_are_not_followed_but_the_root_is():
    assert options_of(messages.descriptor_requests("x")[0]) == 0x00200000
    assert options_of(messages.descriptor_requests("")[0]) == 0


class Key:
    """A session that only has keys."""

    def __init__(self, encrypt: bool) -> None:
        self.signing_key = bytes(16)
        self.encrypt_data = encrypt


def reply(
    connection: Any, *, signed: bool, status: int = 0, message: int = 7
) -> SMB2HeaderResponse:
    header = SMB2HeaderResponse()
    header["command"] = Commands.SMB2_QUERY_INFO
    header["status"] = status
    header["message_id"] = message
    if signed:
        header["flags"].set_flag(Smb2Flags.SMB2_FLAGS_SIGNED)
        header["signature"] = connection._generate_signature(
            header.pack(), bytes(16), 7, False, Commands.SMB2_QUERY_INFO
        )
    return header


@pytest.fixture
def connection() -> Any:
    found = smb_connection.StrictConnection("srv", 1)
    found.dialect = 0x0302
    found.session_table[1] = Key(encrypt=False)
    found.session_table[2] = Key(encrypt=True)
    return found


def test_replies_must_be_signed(connection: Any):
    """The library by itself lets a reply without a signature pass."""
    assert connection.require_signing
    connection.verify_signature(reply(connection, signed=True), 1)
    with pytest.raises(smb_connection.UnsignedError):
        connection.verify_signature(reply(connection, signed=False), 1)
    forged = reply(connection, signed=True)
    forged["status"] = NtStatus.NO_MORE_FILES
    with pytest.raises(smb_connection.UnsignedError):
        connection.verify_signature(forged, 1)


def test_where_encryption_was_agreed_nothing_comes_in_clear(connection: Any):
    with pytest.raises(smb_connection.UnsignedError):
        connection.verify_signature(reply(connection, signed=True), 2)


@pytest.mark.parametrize("status", [NtStatus.PENDING, NtStatus.USER_SESSION_DELETED])
def test_what_cannot_be_signed(connection: Any, status: int):
    connection.verify_signature(reply(connection, signed=False, status=status), 1)


def test_the_names_we_rely_on_in_the_library():
    from smbprotocol.connection import Connection, Request
    from smbprotocol.transport import Tcp

    assert callable(Tcp._recv)
    for name in ("_check_worker_running", "_generate_signature", "verify_signature", "receive"):
        assert callable(getattr(Connection, name))
    assert {"response_event", "response_event_lock"} <= set(vars(Request(None, None, None)))
    assert {"sequence_lock", "sequence_window", "outstanding_requests", "_t_exc"} <= set(
        vars(smb_connection.StrictConnection("srv", 1))
    )


# -- replies cut up ---------------------------------------------------------------------------


@given(st.binary(max_size=80))
def test_only_format_errors_escape(data: bytes):
    for form in ("<2xHI", "<32xII", "<2xBxI"):
        with contextlib.suppress(FormatError):
            assert messages.buffer_of(data, "reply", form) in data
    with contextlib.suppress(FormatError):
        assert len(messages.handle_of(data)) == 16


def test_a_buffer_where_it_should_be():
    packed = struct.pack("<HHI", 9, 64 + 8, 3) + b"abc"
    assert messages.buffer_of(packed, "reply", "<2xHI") == b"abc"
    for offset, length in ((64, 3), (0, 3), (64 + 8, 4), (0xFFFF, 1)):
        with pytest.raises(FormatError, match="do not fit"):
            messages.buffer_of(struct.pack("<HHI", 9, offset, length) + b"abc", "reply", "<2xHI")
    assert messages.buffer_of(struct.pack("<HHI", 9, 0, 0), "reply", "<2xHI") == b""


# -- failures in words ------------------------------------------------------------------------

FILE = questions.descriptor("srv", "lib", "ISOs\\a.iso")
MEMBERS = questions.members("srv", "S-1-5-32-544")
SHARE = questions.share("srv", "lib")


@pytest.mark.parametrize(
    ("error", "question", "reason", "words"),
    [
        (status_error(NtStatus.ACCESS_DENIED), FILE, Reason.ACCESS_DENIED, r"\\srv\lib\ISOs\a.iso"),
        (status_error(NtStatus.BAD_NETWORK_NAME), FILE, Reason.NOT_FOUND, "no such share"),
        (status_error(NtStatus.OBJECT_PATH_NOT_FOUND), FILE, Reason.NOT_FOUND, "above it"),
        (status_error(NtStatus.PATH_NOT_COVERED), FILE, Reason.NOT_SUPPORTED, "DFS"),
        (status_error(NtStatus.STOPPED_ON_SYMLINK), FILE, Reason.NOT_SUPPORTED, "symbolic link"),
        (status_error(NtStatus.BUFFER_TOO_SMALL), FILE, Reason.NOT_SUPPORTED, "64 KiB"),
        (status_error(0xC0DEC0DE), FILE, Reason.NOT_SUPPORTED, "0xC0DEC0DE"),
        (
            status_error(NtStatus.INVALID_PARAMETER),
            FILE,
            Reason.NOT_SUPPORTED,
            "STATUS_INVALID_P",
        ),
        (status_error(NtStatus.LOGON_FAILURE), None, Reason.AUTHENTICATION_FAILED, "password"),
        (status_error(NtStatus.ACCESS_DENIED), None, Reason.ACCESS_DENIED, "Logon to srv failed"),
        (status_error(NtStatus.PASSWORD_EXPIRED), None, Reason.CREDENTIALS_EXPIRED, "expired"),
        (status_error(NtStatus.TIME_DIFFERENCE_AT_DC), None, Reason.CLOCK_SKEW, "clocks"),
        (rpc.NtError(NtStatus.ACCESS_DENIED), MEMBERS, Reason.ACCESS_DENIED, "RestrictRemoteSam"),
        (rpc.FaultError(5), MEMBERS, Reason.ACCESS_DENIED, "RestrictRemoteSam"),
        (rpc.NtError(NtStatus.NO_SUCH_ALIAS), MEMBERS, Reason.NOT_FOUND, "S-1-5-32-544"),
        (rpc.FaultError(0x1C010002), SHARE, Reason.NOT_SUPPORTED, "nca_s_op_rng_error"),
        (rpc.FaultError(0x12345678), SHARE, Reason.NOT_SUPPORTED, "0x12345678"),
        (rpc.Win32Error(2310), SHARE, Reason.NOT_FOUND, "no such share"),
        (rpc.Win32Error(5), SHARE, Reason.ACCESS_DENIED, "server service"),
        (rpc.Win32Error(124), SHARE, Reason.NOT_SUPPORTED, "ERROR_INVALID_LEVEL"),
        (rpc.Win32Error(99999), SHARE, Reason.NOT_SUPPORTED, "99999"),
        (FormatError("X", 3, "bad"), SHARE, Reason.MALFORMED_REPLY, "X at byte 3: bad"),
        (smb_connection.UnsignedError(), None, Reason.SIGNING_REQUIRED, "not signed"),
        (smb_connection.GarbledError(), None, Reason.MALFORMED_REPLY, "not SMB"),
        (SMBException("… authenticated as a guest …"), None, Reason.AUTHENTICATION_FAILED, "guest"),
        (SMBException("SMB encryption is required"), None, Reason.NOT_SUPPORTED, "encryption"),
        (ImportError("no gssapi"), None, Reason.NOT_SUPPORTED, "vmmaudit[kerberos]"),
        (OSError(113, "No route to host"), None, Reason.UNREACHABLE, "no way"),
        (TimeoutError("timed out"), None, Reason.TIMEOUT, "firewall"),
    ],
)
def test_every_failure_has_its_words(
    error: Exception, question: Question | None, reason: Reason, words: str
):
    found = failures.explained(error, "srv", question)
    assert found.reason is reason
    assert words in found.sentence
    assert found.sentence.endswith(".")
    assert "srv" in found.sentence


def test_texts_of_libraries_are_not_passed_on():
    cause = NoCredentialError(context_msg="hunter2")
    error = SMBAuthenticationError("Failed to authenticate with server: hunter2")
    error.__cause__ = cause
    for failure in (
        error,
        cause,
        SMBException("hunter2"),
        ValueError("hunter2"),
        OSError("hunter2"),
    ):
        assert "hunter2" not in failures.explained(failure, "srv").sentence
