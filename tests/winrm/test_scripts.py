"""The scripts of a remote session by their grammar: they parse, and they only read."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from vmmaudit import questions

PARSER = Parser(Language(tree_sitter_powershell.language()))
FOLDER = files("vmmaudit.collect.winrm").joinpath("powershell")
SCRIPTS = sorted(found.name for found in FOLDER.iterdir() if found.name.endswith(".ps1"))
READS = re.compile(r"Get-(CimInstance|Module|SC\w+)|Import-Module")
PLAIN = {"ConvertTo-Json", "ForEach-Object", "New-Object"}
METHODS = {
    *(
        "Invoke",
        "GetCurrent",
        "IsInRole",
        "BeginConnect",
        "WaitOne",
        "Close",
        "ToUniversalTime",
        "ToString",
    ),
}


def source(name: str) -> bytes:
    return FOLDER.joinpath(name).read_bytes()


def found(name: str, kind: str) -> list[str]:
    waiting: list[Node] = [PARSER.parse(source(name)).root_node]
    texts = []
    while waiting:
        node = waiting.pop()
        if node.type == kind:
            texts.append(source(name)[node.start_byte : node.end_byte].decode())
        waiting.extend(node.children)
    return texts


def test_there_are_four():
    assert SCRIPTS == ["local_groups.ps1", "reach.ps1", "rights.ps1", "vmm_objects.ps1"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_parses_and_is_ascii(name: str):
    assert source(name).isascii()
    assert not PARSER.parse(source(name)).root_node.has_error


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_only_reads(name: str):
    for command in set(found(name, "command_name")) - PLAIN:
        assert READS.fullmatch(command), command
    called = {text.rsplit(".", 1)[-1] for text in found(name, "member_name")}
    methods = {
        re.split(r"[.:]", text.partition("(")[0])[-1]
        for text in found(name, "invokation_expression")
    }
    assert methods <= METHODS, (methods, called)
    assert not found(name, "assignment_expression") or "$object." not in "".join(
        text.partition("=")[0] for text in found(name, "assignment_expression")
    )


def test_every_list_of_vmm_that_is_asked_for_is_known():
    script = source("vmm_objects.ps1").decode()
    for cmdlet in questions.VMM_CMDLETS:
        assert script.count(f"'{cmdlet}'") == 2
        assert f"{cmdlet} -VMMServer" in script or f"'{cmdlet}' {{ $vmm }}" in script
