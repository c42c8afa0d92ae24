"""Runs under the system's Python on a machine of the lab; see agent.py. Standard library and Samba.

Reads one JSON request a line, {"ask": name, …}, and answers each with {"answer": …} or
{"error": text}. Whatever else the Samba modules print goes to standard error.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

_kept: dict[str, Any] = {}


def _configuration() -> Any:
    from samba.param import LoadParm

    if "lp" not in _kept:
        lp = LoadParm()
        lp.load("/etc/samba/smb.conf")
        _kept["lp"] = lp
    return _kept["lp"]


def _directory() -> Any:
    if "samdb" not in _kept:
        _kept["samdb"] = _opened()
    return _kept["samdb"]


def _opened(*options: str) -> Any:
    from samba.auth import system_session
    from samba.samdb import SamDB

    return SamDB(
        url="/var/lib/samba/private/sam.ldb",
        session_info=system_session(),
        lp=_configuration(),
        options=list(options),
    )


def _bytes(value: Any) -> bytes:
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode()


def _text(value: Any) -> Any:
    try:
        return bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(bytes(value)).decode("ascii")}


def directory(changes: list[dict[str, Any]], many: bool = False) -> None:
    """Apply changes to the directory, all or none of them.

    With `many` of them it is several times faster, but the controller must be stopped.
    """
    import ldb

    flags = {
        "add": ldb.FLAG_MOD_ADD,
        "replace": ldb.FLAG_MOD_REPLACE,
        "delete": ldb.FLAG_MOD_DELETE,
    }
    bulk = ("transaction_index_cache_size:200000", "batch_mode:1")
    samdb = _opened(*bulk) if many else _directory()
    samdb.transaction_start()
    try:
        for change in changes:
            dn = ldb.Dn(samdb, change["dn"])
            try:
                if change["do"] == "delete":
                    samdb.delete(dn, ["tree_delete:1"])
                    continue
                message = ldb.Message(dn)
                if change["do"] == "add":
                    for name, values in change["attributes"].items():
                        message[name] = ldb.MessageElement(
                            [_bytes(v) for v in values], ldb.FLAG_MOD_ADD, name
                        )
                    samdb.add(message)
                    continue
                for kind, flag in flags.items():
                    for name, values in change.get(kind, {}).items():
                        message[name] = ldb.MessageElement([_bytes(v) for v in values], flag, name)
                samdb.modify(message, change.get("controls", []))
            except ldb.LdbError as error:
                raise RuntimeError(f"{change['do']} {change['dn']}: {error.args[1]}") from error
    except BaseException:
        samdb.transaction_cancel()
        raise
    samdb.transaction_commit()


def search(
    base: str, text: str, attributes: list[str], controls: tuple[str, ...] = ()
) -> list[Any]:
    """Rows of a subtree search: [[dn, {attribute: [value…]}]…]; SIDs as text."""
    import ldb
    from samba.dcerpc import security
    from samba.ndr import ndr_unpack

    found = _directory().search(base, ldb.SCOPE_SUBTREE, text, attributes, controls=list(controls))
    rows = []
    for message in found:
        row = {}
        for name in message:
            if name == "dn":
                continue
            if name.lower() in {"objectsid", "sidhistory", "tokengroups"}:
                row[name] = [str(ndr_unpack(security.dom_sid, v)) for v in message[name]]
            else:
                row[name] = [_text(v) for v in message[name]]
        rows.append([str(message.dn), row])
    return rows


def names(server: str, zone: str, hosts: dict[str, str], password: str) -> None:
    """Register the addresses of hosts in the controller's DNS."""
    from samba.credentials import Credentials
    from samba.dcerpc import dnsserver
    from samba.dnsserver import ARecord

    credentials = Credentials()
    credentials.guess(_configuration())
    credentials.set_username("Administrator")
    credentials.set_password(password)
    binding = f"ncacn_ip_tcp:{server}[sign]"
    pipe = dnsserver.dnsserver(binding, _configuration(), credentials)
    for name, address in hosts.items():
        update = dnsserver.DNS_RPC_RECORD_BUF()
        update.rec = ARecord(address)
        pipe.DnssrvUpdateRecord2(
            dnsserver.DNS_CLIENT_VERSION_LONGHORN, 0, server, zone, name, update, None
        )


def _passdb() -> Any:
    from samba.samba3 import param, passdb

    if "passdb" not in _kept:
        s3 = param.get_context()
        s3.load("/etc/samba/smb.conf")
        passdb.set_secrets_dir("/var/lib/samba/private")
        _kept["passdb"] = passdb.PDB(s3.get("passdb backend"))
    return _kept["passdb"]


def shares(descriptors: dict[str, Any]) -> None:
    """Set the stored descriptors of shares ({name: bytes}); None removes one."""
    import tdb

    store = tdb.open("/var/lib/samba/share_info.tdb")
    try:
        store.transaction_start()
        for name, data in descriptors.items():
            key = b"SECDESC/" + name.lower().encode("utf-8") + b"\0"
            if data is None:
                if store.get(key) is not None:
                    store.delete(key)
            else:
                store.store(key, _bytes(data))
        store.transaction_commit()
    finally:
        store.close()


def aliases(wanted: dict[str, list[str]]) -> dict[str, str]:
    """Let the local groups be exactly these ({name: [SID…]}); the SID of each.

    Built-in ones that are not named keep their members.
    """
    from samba.dcerpc import security
    from samba.samba3 import passdb

    base = _passdb()
    own = passdb.get_global_sam_sid()
    domain = str(own)
    known = {e["account_name"].lower(): e["rid"] for e in base.search_aliases(own)}
    sids = {}
    for name, members in wanted.items():
        builtin = name.upper().startswith("BUILTIN\\")
        if builtin:
            rid = {"administrators": 544, "users": 545}[name.split("\\")[1].lower()]
            alias = security.dom_sid(f"S-1-5-32-{rid}")
        else:
            rid = known.get(name.lower()) or base.create_alias(name)
            alias = security.dom_sid(f"{domain}-{rid}")
        have = {str(sid) for sid in base.enum_aliasmem(alias)}
        for sid in have - set(members):
            base.del_aliasmem(alias, security.dom_sid(sid))
        for sid in set(members) - have:
            base.add_aliasmem(alias, security.dom_sid(sid))
        sids[name] = str(alias)
    for rid in known.values():
        alias = f"{domain}-{rid}"
        if alias not in sids.values():
            base.delete_alias(security.dom_sid(alias))
    return sids


def local() -> dict[str, Any]:
    """What this Samba knows of itself: its own SID and its aliases."""
    from samba.samba3 import passdb

    base = _passdb()
    own = passdb.get_global_sam_sid()
    found = {entry["account_name"]: entry["rid"] for entry in base.search_aliases(own)}
    return {"sid": str(own), "aliases": found}


ASKED: dict[str, Callable[..., Any]] = {
    "directory": directory,
    "search": search,
    "names": names,
    "shares": shares,
    "aliases": aliases,
    "local": local,
}


def main() -> None:
    """Answer until there is no more request."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"answer": ASKED[request.pop("ask")](**request)}
        except Exception as error:
            text = "".join(traceback.format_exception_only(type(error), error)).strip()
            answer = {"error": text}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
