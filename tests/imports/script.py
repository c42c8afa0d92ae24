"""What `collect.ps1` would write of a site, made from evidence: the same searches, names and forms.

A stand-in for a run on Windows, which we could not make; what the script asks is compared with
our questions in `tests/collector`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.imports.exports import _of_libraries, sddl
from vmmaudit import questions
from vmmaudit.evidence import Answer, Evidence, Question
from vmmaudit.facts import decode as facts_of
from vmmaudit.facts import replies
from vmmaudit.facts.servers import Tree
from vmmaudit.scope import Scope
from vmmaudit.windows.descriptor import decode

Row = dict[str, Any]
_STATES = {1: "Stopped", 4: "Running"}
_STARTS = {2: "Auto", 3: "Manual", 4: "Disabled"}


def write(evidence: Evidence, scope: Scope, folder: Path) -> None:
    """The folder that the script leaves behind."""
    listed = []
    for name, rows in sorted(tables(evidence, scope).items()):
        path = folder / f"{name}.json"
        path.write_text(json.dumps(rows, indent=4), encoding="utf-8")
        digest = hashlib.sha256(path.read_bytes()).hexdigest().upper()
        listed.append({"Name": path.name, "Count": len(rows), "SHA256": digest})
    moment = evidence.origin.moment.strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    manifest = {
        **{"Collector": "vmmaudit collect.ps1", "ScriptVersion": "3", "Host": "ADMIN1"},
        **{"StartUtc": moment, "EndUtc": moment},
        **{"User": "CONTOSO\\adm", "UserSid": "S-1-5-21-1-2-3-9", "PowerShell": "5.1"},
        "Files": listed,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def tables(evidence: Evidence, scope: Scope) -> dict[str, list[Row]]:
    """Everything, by the name of its file."""
    return {
        "objects": list(_objects(evidence)),
        "searches": list(_searches(evidence)),
        "shares": list(_shares(evidence, scope)),
        "files": list(_files(evidence, scope)),
        "services": list(_services(evidence)),
        "systems": list(_systems(evidence)),
        "smbservers": list(_smb_servers(evidence)),
        "localgroups": list(_groups(evidence)),
    }


def is_asked(question: Question) -> bool:
    """Whether the script makes this search; names it looks up by fifties, and sites by no point."""
    base, depth, query, wanted = question.detail
    names = query.count("(objectSid=") > 0 and "(objectSid=*)" not in query
    at_point = depth == "base" and base and "servicePrincipalName" in wanted
    return not names and not at_point


def _bytes(value: bytes) -> Row:
    return {"base64": base64.b64encode(value).decode()}


def _objects(evidence: Evidence) -> Iterator[Row]:
    for question, answer in evidence.of(questions.SEARCH):
        base, depth, query, _ = question.detail
        for row in answer.rows:
            about = {"dn": row.name, "domain": question.server, "controller": answer.source}
            asked = {"base": base, "scope": depth, "filter": query}
            values = {key: [_bytes(value) for value in found] for key, found in row.values.items()}
            yield {**about, **asked, **values}


def _searches(evidence: Evidence) -> Iterator[Row]:
    for question, answer in evidence.of(questions.SEARCH):
        base, depth, query, wanted = question.detail
        if is_asked(question):
            asked = {"base": base, "scope": depth, "filter": query}
            found = {"found": len(answer.rows), "error": None}
            yield {**asked, "attributes": wanted.split(","), **found}


def _shares(evidence: Evidence, scope: Scope) -> Iterator[Row]:
    for library, question, answer in _of_libraries(evidence, scope, questions.SHARE):
        share, told = replies.share(answer, library.share_name)
        if told and share.descriptor:
            name = {"Name": library.share_name, "ScopeName": "*", "Path": share.path or ""}
            about = {"server": question.server, "share": library.share_name}
            text = sddl(decode(share.descriptor))
            yield {**about, **name, "sddl": text, "descriptor": _bytes(share.descriptor)}


def _files(evidence: Evidence, scope: Scope) -> Iterator[Row]:
    facts = facts_of(evidence, scope)
    for library in scope.libraries:
        tree = facts.servers.tree(library)
        items = {item.path.lower(): item for item in tree.items} if isinstance(tree, Tree) else {}
        server = questions.file_server(scope, library)
        told: dict[str, Answer] = {
            question.detail[1].lower(): answer
            for question, answer in evidence.of(questions.DESCRIPTOR, server)
            if question.detail[0] == library.share_name.lower()
        }
        for path in dict.fromkeys(["", *items, *told]):
            item = items.get(path)
            row: Row = {"server": server, "share": library.share_name, "kind": "folder"}
            row |= {"path": item.path if item else path, "size": None, "attributes": "Normal"}
            if item and not item.is_folder:
                row |= {"kind": "file", "size": str(item.size)}
            if path in told:
                data = told[path].rows[0].first("descriptor") or b""
                row |= {"descriptor": _bytes(data), "sddl": sddl(decode(data))}
            yield row


def _services(evidence: Evidence) -> Iterator[Row]:
    for question, answer in evidence.of(questions.SERVICE):
        row: Row = {"server": question.server, "service": question.detail[0]}
        row |= {"exists": bool(answer.rows), "StartName": None, "StartMode": None, "State": None}
        if answer.rows:
            account, start, state = replies.service(answer)
            row |= {"StartName": account, "StartMode": _STARTS[start or 2]}
            row |= {"State": _STATES[state or 4]}
        yield row


def _systems(evidence: Evidence) -> Iterator[Row]:
    for question, answer in evidence.of(questions.BOOT):
        text = (answer.rows[0].first("LastBootUpTime") or b"").decode()
        day, clock = f"{text[:4]}-{text[4:6]}-{text[6:8]}", f"{text[8:10]}:{text[10:12]}"
        moment = f"{day}T{clock}:{text[12:14]}.0000000Z"
        name = question.server.split(".")[0].upper()
        yield {"server": question.server, "CSName": name, "LastBootUpTime": moment}


def _smb_servers(evidence: Evidence) -> Iterator[Row]:
    for question, answer in evidence.of(questions.LEGACY_SMB):
        yield {"server": question.server, "EnableSMB1Protocol": replies.legacy_smb(answer)[0]}


def _groups(evidence: Evidence) -> Iterator[Row]:
    for question, answer in evidence.of(questions.MEMBERS):
        members = [{"Name": "WinNT://x", "SID": sid} for sid in replies.members(answer)]
        about = {"server": question.server, "Name": "Gruppe", "SID": question.detail[0]}
        yield {**about, "complete": True, "members": members}
