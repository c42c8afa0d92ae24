"""What a site would hand over, written from evidence: German Excel CSV, CLIXML, LDIF and icacls.

Only forms that an administrator's own tools write; binary values as text, as those tools do.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from vmmaudit import questions
from vmmaudit.evidence import Answer, Evidence, Question
from vmmaudit.facts import replies
from vmmaudit.scope import Library, Scope
from vmmaudit.windows.descriptor import SecurityDescriptor, decode
from vmmaudit.windows.sid import sid_from_bytes

Row = dict[str, list[str]]
_SIDS = ("objectSid", "sIDHistory", "tokenGroups", "tokenGroupsGlobalAndUniversal")
_BINARY = (
    "replPropertyMetaData",
    "nTSecurityDescriptor",
    "msDS-AllowedToActOnBehalfOfOtherIdentity",
)
_FLAGS = ((0x01, "OI"), (0x02, "CI"), (0x04, "NP"), (0x08, "IO"), (0x10, "ID"))


def objects(evidence: Evidence) -> list[Row]:
    """Every object of the directory once, with all that was read of it."""
    found: dict[str, dict[str, tuple[bytes, ...]]] = {}
    for _, answer in evidence.of(questions.SEARCH):
        for row in answer.rows:
            if row.name:
                found.setdefault(row.name, {}).update(row.values)
    nobody: Row = {"PrincipalsAllowedToDelegateToAccount": []}
    return [{"DistinguishedName": [dn], **nobody, **_shown(values)} for dn, values in found.items()]


def _shown(values: dict[str, tuple[bytes, ...]]) -> Row:
    return {name: [_text(name, value) for value in found] for name, found in values.items()}


def _text(name: str, value: bytes) -> str:
    if name in _SIDS:
        return sid_from_bytes(value)
    return base64.b64encode(value).decode() if name in _BINARY else value.decode()


def domain(evidence: Evidence, scope: Scope) -> Row:
    """Get-ADDomain."""
    name = scope.domains[0].name
    dn = questions.base_dn(name)
    row = evidence.answers[questions.domain_object(name)].rows[0]
    level = (row.first("msDS-Behavior-Version") or b"0").decode()
    modes = {"0": "Windows2000Domain", "4": "Windows2008R2Domain", "7": "Windows2016Domain"}
    sid = sid_from_bytes(row.first("objectSid") or b"")
    return {
        "DNSRoot": [name],
        "NetBIOSName": [name.split(".")[0].upper()],
        "DistinguishedName": [dn],
        "DomainSID": [sid],
        "DomainMode": [modes[level]],
        "PDCEmulator": [f"dc01.{name}"],
    }


def sddl(descriptor: SecurityDescriptor) -> str:
    """As Windows writes it, with SIDs and masks spelt out."""
    owner = f"O:{descriptor.owner}" if descriptor.owner else ""
    group = f"G:{descriptor.group}" if descriptor.group else ""
    flags = ("P" if descriptor.protected else "") + ("AI" if descriptor.control & 0x400 else "")
    aces = "".join(
        f"({'D' if ace.denies else 'A'};{_flags(ace.flags)};0x{ace.mask:x};;;{ace.sid})"
        for ace in descriptor.aces
    )
    return f"{owner}{group}D:{flags}{aces}"


def _flags(flags: int) -> str:
    return "".join(word for bit, word in _FLAGS if flags & bit)


def shares(evidence: Evidence, scope: Scope) -> list[Row]:
    """Get-SmbShare with the SDDL of each."""
    found = []
    for library, question, answer in _of_libraries(evidence, scope, questions.SHARE):
        share, told = replies.share(answer, library.share_name)
        if told and share.descriptor:
            row = {"Name": library.share_name, "ScopeName": "*", "Path": share.path or ""}
            row |= {"PSComputerName": question.server}
            row |= {"SecurityDescriptor": sddl(decode(share.descriptor))}
            found.append({key: [value] for key, value in row.items()})
    return found


def files(evidence: Evidence, scope: Scope) -> list[Row]:
    """Get-Acl over a library, path and SDDL."""
    found = []
    for library, question, answer in _of_libraries(evidence, scope, questions.DESCRIPTOR):
        path = question.detail[1]
        place = rf"{library.share}\{path}" if path else library.share
        data = answer.rows[0].first("descriptor") or b""
        found.append({"Path": [place], "Sddl": [sddl(decode(data))]})
    return found


def _of_libraries(
    evidence: Evidence, scope: Scope, kind: str
) -> Iterator[tuple[Library, Question, Answer]]:
    for library in scope.libraries:
        server = questions.file_server(scope, library)
        for question, answer in evidence.of(kind, server):
            if question.detail[0] == library.share_name.lower():
                yield library, question, answer


def members(evidence: Evidence) -> list[Row]:
    """Get-LocalGroupMember of every local group, with the SIDs."""
    found = []
    for question, answer in evidence.of(questions.MEMBERS):
        for sid in replies.members(answer) or ("",):
            row = {"PSComputerName": question.server, "GroupSid": question.detail[0]}
            row |= {"Group": question.detail[0], "SID": sid, "PrincipalSource": "ActiveDirectory"}
            found.append({key: [value] for key, value in row.items()})
    return found


def services(evidence: Evidence) -> list[Row]:
    """Win32_Service."""
    words = {1: "Stopped", 4: "Running"}
    starts = {2: "Auto", 3: "Manual", 4: "Disabled"}
    found = []
    for question, answer in evidence.of(questions.SERVICE):
        if answer.rows:
            account, start, state = replies.service(answer)
            row = {"SystemName": question.server, "Name": question.detail[0]}
            row |= {"StartName": account, "StartMode": starts[start or 2]}
            row |= {"State": words[state or 4]}
            found.append({key: [value] for key, value in row.items()})
    return found


def boots(evidence: Evidence) -> list[Row]:
    """Win32_OperatingSystem."""
    return [
        {
            "CSName": [question.server],
            "LastBootUpTime": [(answer.rows[0].first("LastBootUpTime") or b"").decode()],
        }
        for question, answer in evidence.of(questions.BOOT)
    ]


def smb_servers(evidence: Evidence) -> list[Row]:
    """Get-SmbServerConfiguration, as the German Excel writes its truth."""
    found = []
    for question, answer in evidence.of(questions.LEGACY_SMB):
        on = "WAHR" if replies.legacy_smb(answer)[0] else "FALSCH"
        found.append({"PSComputerName": [question.server], "EnableSMB1Protocol": [on]})
    return found


def tables(evidence: Evidence, scope: Scope) -> dict[str, list[Row]]:
    """Everything, by the name of its file."""
    found = {
        "domaene": [domain(evidence, scope)],
        "verzeichnis": objects(evidence),
        "freigaben": shares(evidence, scope),
        "berechtigungen": files(evidence, scope),
        "gruppen": members(evidence),
        "dienste": services(evidence),
        "start": boots(evidence),
        "smb": smb_servers(evidence),
    }
    return {name: rows for name, rows in found.items() if rows}


def german_csv(evidence: Evidence, scope: Scope, folder: Path) -> None:
    """As Excel on a German machine saves it: `;`, Windows-1252, several values in one field."""
    for name, rows in tables(evidence, scope).items():
        heads = list(dict.fromkeys(key for row in rows for key in row))
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=";")
        writer.writerow(heads)
        for row in rows:
            writer.writerow(["|".join(row.get(key, [])) for key in heads])
        (folder / f"{name}.csv").write_bytes(text.getvalue().encode("cp1252"))


def clixml(evidence: Evidence, scope: Scope, folder: Path) -> None:
    """As Export-Clixml writes it, in UTF-16."""
    for name, rows in tables(evidence, scope).items():
        text = (
            '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
            + "".join(
                f'<Obj RefId="{n}"><MS>{_members(row)}</MS></Obj>' for n, row in enumerate(rows)
            )
            + "</Objs>"
        )
        (folder / f"{name}.xml").write_bytes(text.encode("utf-16"))


def _members(row: Row) -> str:
    return "".join(
        f'<S N="{key}">{escape(values[0])}</S>'
        if len(values) == 1
        else f'<Obj N="{key}" RefId="{key}"><LST>'
        + "".join(f"<S>{escape(value)}</S>" for value in values)
        + "</LST></Obj>"
        for key, values in row.items()
        if values
    ) + "".join(f'<Nil N="{key}"/>' for key, values in row.items() if not values)


def ldif_and_icacls(evidence: Evidence, scope: Scope, folder: Path) -> None:
    """ldifde for the directory, icacls /save for the files, CSV for the rest."""
    german_csv(evidence, scope, folder)
    (folder / "verzeichnis.csv").unlink()
    (folder / "berechtigungen.csv").unlink()
    lines = []
    for row in objects(evidence):
        (dn,) = row.pop("DistinguishedName")
        lines.append(f"dn:: {base64.b64encode(dn.encode()).decode()}")
        lines += ["instanceType: 4", "objectGUID:: AAAAAAAAAAAAAAAAAAAAAA=="]
        for key, values in row.items():
            for value in values:
                raw = value if key in _BINARY else base64.b64encode(_raw(key, value)).decode()
                lines.append(f"{key}:: {raw}")
        lines.append("")
    (folder / "verzeichnis.ldf").write_text("\n".join(lines), encoding="utf-8")
    saved: dict[str, list[str]] = {}
    for row in files(evidence, scope):
        server, share, *path = row["Path"][0].lstrip("\\").split("\\")
        saved.setdefault(server, []).extend(["\\".join([share, *path]), row["Sddl"][0]])
    for server, texts in saved.items():
        (folder / f"acl-{server.split('.')[0]}.txt").write_bytes(
            "\r\n".join(texts).encode("utf-16")
        )


def _raw(key: str, value: str) -> bytes:
    from vmmaudit.windows.sid import sid_to_bytes

    return sid_to_bytes(value) if key in _SIDS else value.encode()
