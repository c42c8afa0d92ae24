"""What VMM's cmdlets returned, handed over as a file, is judged as if VMM had been asked."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from tests.simulate import SimulatedWire, scope_of, simulate
from tests.worlds import DOMAIN, MOMENT, SHARE, conforming
from vmmaudit import questions
from vmmaudit.assessment import Assessment, Verdict
from vmmaudit.collect.gather import collect
from vmmaudit.collect.offline import Fallback, Offline
from vmmaudit.evidence import Answer, Evidence, Row
from vmmaudit.judge import judge

VMM = f"vmm01.{DOMAIN}"
IMAGE = rf"\\library01.{DOMAIN}\{SHARE}\ISOs\Windows Server.iso"
Object = Mapping[str, Any]
LISTS: Mapping[str, tuple[Object, ...]] = {
    "Get-SCVMHost": tuple(
        {
            "Name": f"hyper0{number}.{DOMAIN}",
            "FullyQualifiedDomainName": f"hyper0{number}.{DOMAIN}",
            "VirtualizationPlatform": "HyperV",
            "VMHostManagementCredential": {
                "Name": "Verwaltung",
                "UserName": "CONTOSO\\anderes.konto" if number == 2 else "CONTOSO\\service.vmm",
            },
        }
        for number in (1, 2, 3)
    ),
    "Get-SCVirtualDVDDrive": (
        {"Name": "WEB01", "ISO": "a.iso", "ISOLinked": "True", "Bus": "0", "LUN": "1"},
        {"Name": "WEB02", "ISO": "b.iso", "ISOLinked": "False", "Bus": "0", "LUN": "1"},
    ),
    "Get-SCJob": (
        {
            "Name": "Virtuellen Computer ändern",
            "CmdletName": "Set-SCVirtualDVDDrive",
            "Status": "Failed",
            "ErrorInfo": "Error (12700) for CD/DVD drive: 0x80070005",
            "StartTime": "2026-09-23T14:56:38",
            "EndTime": "2026-09-23T14:57:01",
        },
    ),
    "Get-SCVMMManagedComputer": (
        {"Name": f"hyper01.{DOMAIN}", "RoleString": "Host", "AgentVersion": "10.22.1287.0"},
        {"Name": f"hyper02.{DOMAIN}", "RoleString": "Host", "AgentVersion": "10.19.2445.0"},
    ),
    "Get-SCLibraryShare": (
        {
            "Name": SHARE,
            "Path": rf"\\library01.{DOMAIN}\{SHARE}",
            "LibraryServer": f"library01.{DOMAIN}",
        },
    ),
    "Get-SCISO": ({"Name": "Weg", "SharePath": IMAGE.replace("Windows", "Altes"), "Enabled": "1"},),
}
TYPES = {
    "Get-SCVMHost": "VMHost.Host",
    "Get-SCVirtualDVDDrive": "VirtualDVDDrive",
    "Get-SCJob": "Task",
    "Get-SCVMMManagedComputer": "VMMManagedComputer",
    "Get-SCLibraryShare": "LibraryShare",
    "Get-SCISO": "ISO",
}


def flat(found: Object) -> dict[str, str]:
    """Properties of properties by their path."""
    values: dict[str, str] = {}
    for key, value in found.items():
        if isinstance(value, Mapping):
            values |= {f"{key}.{inner}": text for inner, text in value.items()}
        else:
            values[key] = value
    return values


def asked() -> Evidence:
    """The site as if VMM had answered itself."""
    evidence, _ = simulate(conforming())
    answers = dict(evidence.answers)
    for cmdlet, found in LISTS.items():
        rows = tuple(
            Row(one["Name"], {k: (v.encode(),) for k, v in flat(one).items()}) for one in found
        )
        answers[questions.vmm_objects(VMM, cmdlet)] = Answer(rows, VMM, MOMENT)
    gaps = {question: gap for question, gap in evidence.gaps.items() if question not in answers}
    return replace(evidence, answers=answers, gaps=gaps)


def clixml(folder: Path) -> None:
    """Export-Clixml, as PowerShell 5.1 writes it: UTF-16, types, an object in an object."""
    for cmdlet, found in LISTS.items():
        body = "".join(_object(n, TYPES[cmdlet], one) for n, one in enumerate(found))
        text = (
            '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
            f"{body}</Objs>"
        )
        (folder / f"{cmdlet}.xml").write_bytes(text.encode("utf-16"))


def _object(number: int, kind: str, found: Object) -> str:
    base = "Microsoft.SystemCenter.VirtualMachineManager"
    properties = "".join(
        f'<Obj N="{key}" RefId="{number}-{key}"><Props>{_texts(value)}</Props></Obj>'
        if isinstance(value, Mapping)
        else _texts({key: value})
        for key, value in found.items()
    )
    types = f'<TN RefId="t{number}"><T>Deserialized.{base}.{kind}</T><T>System.Object</T></TN>'
    return f'<Obj RefId="{number}">{types}<Props>{properties}</Props></Obj>'


def _texts(values: Mapping[str, str]) -> str:
    return "".join(f'<S N="{key}">{escape(value)}</S>' for key, value in values.items())


def collector(folder: Path) -> None:
    """The JSON of collect.ps1."""
    for cmdlet, found in LISTS.items():
        rows = [{"vmm": VMM, **one} for one in found]
        (folder / f"vmm-{cmdlet}.json").write_text(json.dumps(rows), encoding="utf-8")


def german_csv(folder: Path) -> None:
    """Select-Object with the nested property by its path, and Export-Csv as Excel saves it."""
    for cmdlet, found in LISTS.items():
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(flat(found[0])), delimiter=";")
        writer.writeheader()
        writer.writerows(flat(one) for one in found)
        (folder / f"{cmdlet}.csv").write_bytes(text.getvalue().encode("cp1252"))


def judged(assessment: Assessment) -> dict[tuple[str, str], tuple[Verdict, str, set[str]]]:
    return {
        (j.control, j.subject.id): (j.verdict, j.code, {remark.code for remark in j.remarks})
        for j in assessment.verdicts
    }


OLDER = {
    "Get-SCVMHost": "Get-VMHost",
    "Get-SCVirtualDVDDrive": "Get-VirtualDVDDrive",
    "Get-SCJob": "Get-Job",
    "Get-SCVMMManagedComputer": "Get-VMMManagedComputer",
    "Get-SCLibraryShare": "Get-LibraryShare",
    "Get-SCISO": "Get-ISO",
}
"""What the snap-in of 2008 R2 calls them."""


def of_2008_r2(folder: Path) -> None:
    """Export-Csv of the snap-in's cmdlets: its types, and no Run As account, which it had not."""
    for cmdlet, found in LISTS.items():
        rows = [
            {key: text for key, text in flat(one).items() if "Credential" not in key}
            for one in found
        ]
        text = io.StringIO(newline="")
        text.write(f"#TYPE Microsoft.SystemCenter.VirtualMachineManager.{TYPES[cmdlet]}\r\n")
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        (folder / f"{OLDER[cmdlet]}.csv").write_bytes(text.getvalue().encode("utf-16"))


def test_the_older_cmdlets_tell_the_same_but_the_run_as_account(tmp_path: Path):
    world = conforming()
    scope = scope_of(world)
    of_2008_r2(tmp_path)
    wire = Fallback(SimulatedWire(world, {}, MOMENT), Offline(tmp_path, scope))
    handed = judged(judge(collect(scope, wire), scope))
    told = judged(judge(asked(), scope))
    differing = {key for key in told if handed[key] != told[key]}
    assert differing == {("SCP-01", DOMAIN)}
    assert handed["SCP-01", DOMAIN][1] != "OTHER_ACCOUNT"


def test_the_version_that_was_handed_over_counts_where_the_registry_is_closed(tmp_path: Path):
    """As the remedy of ENV-01 has it exported."""
    world = conforming()
    scope = scope_of(world)
    (tmp_path / "vmm.csv").write_text(
        '"Name","ProductVersion"\r\n"VMM01","10.22.1287.0"\r\n', encoding="utf-8-sig"
    )
    found = judged(judge(collect(scope, Offline(tmp_path, scope)), scope))
    assert found["ENV-01", VMM][:2] == (Verdict.PASS, "")


@pytest.mark.parametrize("write", [clixml, collector, german_csv])
def test_the_verdicts_are_those_of_an_answer(tmp_path: Path, write: Callable[[Path], None]):
    world = conforming()
    scope = scope_of(world)
    write(tmp_path)
    wire = Fallback(SimulatedWire(world, {}, MOMENT), Offline(tmp_path, scope))
    handed = judged(judge(collect(scope, wire), scope))
    told = judged(judge(asked(), scope))
    plain = judged(judge(simulate(world)[0], scope))
    assert {c for c, s in told if told[c, s] != plain[c, s]} >= {
        *("SCP-01", "OPS-01", "OPS-04", "SVC-03", "LIB-01", "LIB-03")
    }
    assert handed == told
    assert told["SCP-01", DOMAIN][1] == "OTHER_ACCOUNT"
    assert told["OPS-04", VMM][:2] == (Verdict.FAIL, "IMAGE_REFUSED")
