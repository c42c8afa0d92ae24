"""What a reply says, whichever way it came: as a remote procedure's bytes, or told in words.

A server over SMB answers with stubs of remote procedures. Over WinRM, and in what an
administrator hands over, the same is told in plain values. Both stand in evidence as they came
(`vmmaudit.collect.wire`), and are the same from here on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer
from vmmaudit.windows import file_information, samr, smb1, srvsvc, svcctl
from vmmaudit.windows.file_information import DirectoryEntry
from vmmaudit.windows.sid import sid_from_bytes


def members(answer: Answer) -> tuple[str, ...]:
    """The SIDs of a local group's direct members.

    Raises:
        FormatError: the reply does not follow MS-SAMR 3.1.5.8.2.
    """
    row = answer.rows[0]
    told = row.values.get("sid")
    if told is None:
        return tuple(samr.decode_members(row.first("reply") or b""))
    return tuple(sid_from_bytes(sid) for sid in told if sid)


def share(answer: Answer, name: str) -> tuple[srvsvc.Share, bool]:
    """A share, and whether its permissions were told at all.

    Raises:
        FormatError: the reply does not follow MS-SRVS 2.2.4.23, 2.2.4.26 or 2.2.4.27.
    """
    row = answer.rows[0]
    secured = row.first("descriptor")
    if secured is not None:
        path = (row.first("path") or b"").decode("utf-8", "replace")
        return srvsvc.Share(name, 0, "", path, descriptor=secured or None), True
    level = _number(row.first("level"))
    if level is None:
        raise FormatError("NetrShareGetInfo", 0, "the level that was asked for is not told")
    found = srvsvc.decode_share(row.first("reply") or b"", level)
    return replace(found, name=found.name or name), level in srvsvc.SECURED


def entries(answer: Answer) -> Iterator[DirectoryEntry]:
    """What lies in a folder.

    Raises:
        FormatError: the reply does not follow MS-FSCC 2.4.17.
    """
    for row in answer.rows:
        kind = row.first("kind")
        if kind is not None:
            size = _number(row.first("size")) or 0
            attributes = file_information.DIRECTORY if kind == b"folder" else 0
            yield DirectoryEntry(row.name, attributes, size, 0, 0, 0, 0)
            continue
        for buffer in row.values.get("entries", ()):
            yield from file_information.decode_entries(buffer)


def service(answer: Answer) -> tuple[str, int | None, int | None]:
    """Account, start type and state of a service (`svcctl.Start`, `svcctl.State`); None: not told.

    Raises:
        FormatError: the reply does not follow MS-SCMR 2.2.15.
    """
    row = answer.rows[0]
    account = row.first("account")
    if account is not None:
        start, state = row.first("start"), row.first("state")
        return account.decode("utf-8", "replace"), _number(start), _number(state)
    config = svcctl.decode_config(row.first("config") or b"")
    status = row.first("status")
    return config.account, config.start, None if status is None else svcctl.decode_state(status)


def legacy_smb(answer: Answer) -> tuple[bool, bool]:
    """Whether a server has SMB 1 on, and whether that was tried or told.

    Raises:
        FormatError: the reply does not follow MS-CIFS 2.2.4.52.2.
    """
    row = answer.rows[0]
    enabled = row.first("enabled")
    if enabled is not None:
        return enabled == b"true", False
    reply = row.first("reply")
    if reply is None:
        raise FormatError("SMB_COM_NEGOTIATE response", 0, "nothing was told")
    return bool(reply) and smb1.decode_reply(reply), True


def _number(value: bytes | None) -> int | None:
    return int(value) if value is not None and value.isdigit() else None
