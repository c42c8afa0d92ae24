"""What really happens: log on as somebody and open the file, alone or by delegation.

Neither reads the product, so a disagreement is the product's bug or Samba's peculiarity.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import gssapi
import spnego
from gssapi.raw.misc import GSSError
from smbprotocol.connection import Connection
from smbprotocol.exceptions import AccessDenied
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    FileAttributes,
    ImpersonationLevel,
    Open,
    ShareAccess,
    SMB2QueryInfoRequest,
    SMB2QueryInfoResponse,
)
from smbprotocol.session import Session
from smbprotocol.tree import SMB2TreeConnectRequest, SMB2TreeConnectResponse, TreeConnect

from tests.lab.lab import Lab, LogonRefusedError

#: Exactly what a reader of an ISO asks for (semantics: Read).
READ: Final = 0x120089
MAXIMUM_ALLOWED: Final = 0x02000000
_KERBEROS: Final = gssapi.MechType.kerberos


@dataclass(frozen=True)
class Outcome:
    """Whether it worked, and the words of whoever refused. True or false like its `ok`."""

    ok: bool
    stage: str
    """How far it came: `logon`, `s4u2self`, `s4u2proxy`, `session`, `share`, `open` or `read`."""
    why: str = ""

    def __bool__(self) -> bool:
        return self.ok


def can_open(lab: Lab, principal: str, unc: str) -> Outcome:
    r"""Log on as a principal (`HYPER01$`, `service.vmm`) and open `\\server\share\path` to read.

    Raises:
        SMBException: Something else than a refusal, such as a file that does not exist.
    """
    try:
        return _open(lab.fresh_ccache(principal), unc)
    except LogonRefusedError as error:
        return Outcome(False, "logon", str(error))


def can_connect(lab: Lab, principal: str, unc: str) -> Outcome:
    r"""The same up to the share: whether it alone would grant the right to read.

    The server says so itself, in the maximal access of its answer (MS-SMB2 2.2.10).
    """
    server, share, _ = _parts(unc)
    try:
        ticket = lab.fresh_ccache(principal)
    except LogonRefusedError as error:
        return Outcome(False, "logon", str(error))
    with _session(ticket, server) as session:
        request = SMB2TreeConnectRequest()
        request["buffer"] = rf"\\{server}\{share}".encode("utf-16-le")
        try:
            sent = session.connection.send(request, sid=session.session_id)
            received = session.connection.receive(sent)
        except AccessDenied as error:
            return Outcome(False, "share", _words(error))
        answer = SMB2TreeConnectResponse()
        answer.unpack(received["data"].get_value())
        granted = int(answer["maximal_access"].get_value())
        return Outcome(granted & READ == READ, "share", f"maximal access {granted:#010x}")


def can_delegate(lab: Lab, host: str, user: str, spn: str) -> Outcome:
    """Whether the KDC gives `host` a ticket to `spn` for `user` by S4U2Self and S4U2Proxy."""
    outcome, _ = _delegated(lab, host, user, spn)
    return outcome


def can_open_delegated(lab: Lab, host: str, user: str, unc: str) -> Outcome:
    """The whole chain: `host` gets that ticket and opens the file as `user`."""
    server, _, _ = _parts(unc)
    outcome, cache = _delegated(lab, host, user, f"cifs/{server}")
    if cache is None:
        return outcome
    return _open(cache, unc)


def effective_mask(lab: Lab, principal: str, unc: str) -> int:
    """The access mask the server itself grants to an open with MAXIMUM_ALLOWED; 0 if refused."""
    server, share, path = _parts(unc)
    with _session(lab.fresh_ccache(principal), server) as session:
        tree = TreeConnect(session, rf"\\{server}\{share}")
        try:
            tree.connect(require_secure_negotiate=False)
            opened = _create(tree, path, MAXIMUM_ALLOWED)
        except AccessDenied:
            return 0
        try:
            return _granted(opened)
        finally:
            opened.close()


def _open(cache: Path, unc: str) -> Outcome:
    server, share, path = _parts(unc)
    stage = "session"
    try:
        with _session(cache, server) as session:
            stage = "share"
            tree = TreeConnect(session, rf"\\{server}\{share}")
            tree.connect(require_secure_negotiate=False)
            stage = "open"
            opened = _create(tree, path, READ)
            try:
                stage = "read"
                opened.read(0, min(64, opened.end_of_file))
            finally:
                opened.close()
    except AccessDenied as error:
        return Outcome(False, stage, _words(error))
    return Outcome(True, stage)


def _create(tree: TreeConnect, path: str, mask: int) -> Open:
    opened = Open(tree, path)
    opened.create(
        ImpersonationLevel.Impersonation,
        mask,
        FileAttributes.FILE_ATTRIBUTE_NORMAL,
        ShareAccess.FILE_SHARE_READ,
        CreateDisposition.FILE_OPEN,
        CreateOptions.FILE_NON_DIRECTORY_FILE,
    )
    return opened


@contextlib.contextmanager
def _session(cache: Path, server: str) -> Iterator[Session]:
    connection = Connection(uuid.uuid4(), server, 445, require_signing=True)
    connection.connect(timeout=10)
    try:
        credential = spnego.KerberosCCache(f"FILE:{cache}")
        session = Session(
            connection, credential, require_encryption=False, auth_protocol="kerberos"
        )
        session.connect()
        yield session
    finally:
        connection.disconnect(close=False)


def _delegated(lab: Lab, host: str, user: str, spn: str) -> tuple[Outcome, Path | None]:
    account = host if host.endswith("$") else f"{host}$"
    stage = "logon"
    try:
        ticket = f"FILE:{lab.fresh_ccache(account)}"
    except LogonRefusedError as error:
        return Outcome(False, stage, str(error)), None
    stage = "s4u2self"
    try:
        own = gssapi.Credentials(usage="initiate", store={"ccache": ticket}, mechs=[_KERBEROS])
        name = gssapi.Name(f"{user}@{lab.realm}", gssapi.NameType.kerberos_principal)
        evidence = own.impersonate(name.canonicalize(_KERBEROS))
        stage = "s4u2proxy"
        target = gssapi.Name(f"{spn}@{lab.realm}", gssapi.NameType.kerberos_principal)
        context = gssapi.SecurityContext(
            name=target, creds=evidence, usage="initiate", mech=_KERBEROS
        )
        context.step()
    except GSSError as error:
        return Outcome(False, stage, _words(error)), None
    place = lab.private("delegated", f"{account} {user} {spn}")
    place.unlink(missing_ok=True)
    evidence.store(store={"ccache": f"FILE:{place}"}, overwrite=True, usage="initiate")
    return Outcome(True, stage), place


def read_descriptor(lab: Lab, principal: str, unc: str) -> bytes:
    """Owner, group and DACL of a file as the server sends them (MS-SMB2 2.2.37)."""
    server, share, path = _parts(unc)
    with _session(lab.fresh_ccache(principal), server) as session:
        tree = TreeConnect(session, rf"\\{server}\{share}")
        tree.connect(require_secure_negotiate=False)
        opened = _create(tree, path, 0x20000)
        try:
            return _query(opened, kind=3, about=0, more=7, size=65536)
        finally:
            opened.close()


def _granted(opened: Open) -> int:
    """FileAccessInformation (MS-FSCC 2.4.1) of an open file."""
    return int.from_bytes(_query(opened, kind=1, about=8, more=0, size=4), "little")


def _query(opened: Open, *, kind: int, about: int, more: int, size: int) -> bytes:
    request = SMB2QueryInfoRequest()
    request["info_type"] = kind
    request["file_info_class"] = about
    request["additional_information"] = more
    request["output_buffer_length"] = size
    request["file_id"] = opened.file_id
    tree = opened.tree_connect
    sent = opened.connection.send(request, tree.session.session_id, tree.tree_connect_id)
    received = opened.connection.receive(sent)
    answer = SMB2QueryInfoResponse()
    answer.unpack(received["data"].get_value())
    return bytes(answer["buffer"].get_value())


def _parts(unc: str) -> tuple[str, str, str]:
    server, share, path = (*unc.lstrip("\\").split("\\", 2), "")[:3]
    return server, share, path


def _words(error: Exception) -> str:
    return " ".join(str(error).split())
