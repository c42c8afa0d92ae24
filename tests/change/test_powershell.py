"""change.ps1 and rollback.ps1 by their grammar: they parse, add and take away, replace nothing.

They were not run on Windows by us; so much the more is said here about what they may contain.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import tree_sitter_powershell
from hypothesis import given, settings
from hypothesis import strategies as st
from tree_sitter import Language, Node, Parser

from vmmaudit.audit import demo
from vmmaudit.change.changes import (
    Actor,
    AddDelegationTarget,
    AddMember,
    AllowToAct,
    Change,
    ClearControlBit,
    GrantOnFile,
    GrantOnShare,
    Named,
    RegisterSpn,
    RemoveExpiry,
    RemoveFromFile,
    RemoveFromShare,
    RemoveMember,
    RemoveSpn,
    Restart,
    SetControlBit,
)
from vmmaudit.change.commands import commands
from vmmaudit.change.plan import (
    EntryStep,
    ListStep,
    MemberStep,
    NumberStep,
    Plan,
    RestartStep,
    Step,
)
from vmmaudit.change.scripts import literal, script
from vmmaudit.windows.access import READ, READ_EXECUTE
from vmmaudit.windows.descriptor import Ace

PARSER = Parser(Language(tree_sitter_powershell.language()))
READS = {"Get-ADObject", "Get-SmbShare", "Get-Item", "Import-Module"}
WRITES = {
    "Set-ADObject",
    "Set-ADAccountControl",
    "Enable-ADAccount",
    "Disable-ADAccount",
    "Set-ADAccountExpiration",
    "Clear-ADAccountExpiration",
    "Set-SmbShare",
}
PLAIN = {
    "ForEach-Object",
    "Sort-Object",
    "Where-Object",
    "New-Object",
    "Set-StrictMode",
    "Write-Output",
    "Write-Warning",
    "Write-Error",
}
OWN = {
    "Get-PlannedObject",
    "ConvertTo-FilterValue",
    "Test-SameSet",
    "Test-SameList",
    "Get-Entries",
    "Read-Descriptor",
    "Write-Descriptor",
    "Edit-Entries",
    "Test-Member",
    "Get-State",
    "Set-Control",
    "Set-State",
}


def nodes(tree: Node, kind: str) -> Iterator[Node]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if node.type == kind:
            yield node
        waiting.extend(node.children)


def parsed(source: bytes) -> Node:
    return PARSER.parse(source).root_node


def plan_named(name: str) -> Plan:
    """Every kind of step, and everything that the directory names is `name`."""
    who = Named("S-1-5-21-1-2-3-4", name, f"CN={name}", "contoso.com")
    ace = Ace(0, 0, 0x120089, "S-1-5-21-1-2-3-4")
    place = rf"\\library01.contoso.com\MSSCVMMLibrary\{name}"
    return Plan(
        (
            ListStep(
                who, "servicePrincipalName", (name,), (name,), (), (AddDelegationTarget(who, name),)
            ),
            NumberStep(who, "userAccountControl", 4096, 16781312, ()),
            MemberStep(who, who, True, (AddMember(who, who),)),
            EntryStep(
                place,
                "file",
                "library01.contoso.com",
                (ace,),
                (),
                (RemoveFromFile(place, name, ace, name),),
                Actor.FILE_SERVER,
            ),
            RestartStep("hyper01.contoso.com", ()),
        ),
        (),
        (),
        "0" * 64,
    )


@pytest.fixture(scope="module", params=["change.ps1", "rollback.ps1"])
def source(request: pytest.FixtureRequest) -> bytes:
    return demo().plan().scripts()[request.param].removeprefix(b"\xef\xbb\xbf")


def test_it_follows_the_grammar(source: bytes):
    tree = parsed(source)
    wrong = [
        (node.start_point.row + 1, source[node.start_byte : node.end_byte][:60])
        for node in (*nodes(tree, "ERROR"), *(n for n in nodes(tree, "command") if n.is_missing))
    ]
    assert not tree.has_error, wrong


def test_it_calls_nothing_else(source: bytes):
    called = {
        source[node.start_byte : node.end_byte].decode()
        for node in nodes(parsed(source), "command_name")
    }
    assert called <= READS | WRITES | PLAIN | OWN
    assert called >= WRITES


def test_it_replaces_no_list_and_restarts_nothing(source: bytes):
    text = source.decode().lower()
    for word in ("-replace @", "restart-computer", "invoke-expression", "iex ", "remove-item"):
        assert word not in text
    assert "$whatifpreference = $true" in text


def test_writing_waits_for_all_checks_and_for_a_yes(source: bytes):
    """No Set-State stands before the refusal, and each is asked for."""
    text = source.decode()
    main = text[text.index("$states = @{}") :]
    assert main.index("exit 1") < main.index("Set-State")
    assert main.index("ShouldProcess") < main.index("Set-State")


def test_a_step_is_looked_at_again_right_before_it_is_written(source: bytes):
    """Between the check of all steps and the yes to one of them somebody else may write."""
    text = source.decode()
    main = text[text.index("$states = @{}") :]
    asked = main[main.index("ShouldProcess") : main.index("Set-State")]
    assert asked.index("(Get-State $step) -ne") < asked.index("exit 1")


NASTY = "'\u2018\u2019\u201a\u201b\"$`\n\r\0;#(){}@|&<>\u202e\u00e4\ud83d\ude00 "


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from(NASTY) | st.characters(codec="utf-16"), max_size=24))
def test_no_name_breaks_out_of_its_literal(name: str):
    """Whatever a name is, the tree of the script keeps its shape."""
    shapes = []
    for called in ("x" if name.isprintable() else "\n", name):
        for kind in ("change", "rollback"):
            made = script(kind, plan_named(called)).removeprefix(b"\xef\xbb\xbf")  # type: ignore[arg-type]
            tree = parsed(made)
            assert not tree.has_error, name
            shapes.append([made[n.start_byte : n.end_byte] for n in nodes(tree, "command_name")])
    assert shapes[:2] == shapes[2:]


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from(NASTY) | st.characters(codec="utf-16"), max_size=40))
def test_a_literal_is_one_expression(name: str):
    tree = parsed(f"$x = {literal(name)}".encode("utf-8", "surrogatepass"))
    assert not tree.has_error
    assert not list(nodes(tree, "command_name"))
    assert len(list(nodes(tree, "assignment_expression"))) == 1


BY_HAND = {
    "Set-ADObject",
    "Set-ADAccountControl",
    "Enable-ADAccount",
    "Clear-ADAccountExpiration",
    "Grant-SmbShareAccess",
    "icacls",
    r".\change.ps1",
}


def every_change(name: str) -> Plan:
    """A step for every kind of change, everything in it called `name`."""
    who = Named("S-1-5-21-1-2-3-4", name, f"CN={name}", "contoso.com")
    share = r"\\library01.contoso.com\MSSCVMMLibrary"
    ace = Ace(1, 0, READ, who.sid)
    server = "library01.contoso.com"
    place = rf"{share}\{name}"
    lists = (AddDelegationTarget(who, name), RegisterSpn(who, name), RemoveSpn(who, name))
    bits = [
        kind(who, bit)
        for bit in (2, 0x100000, 0x1000000, 0x10000)
        for kind in (SetControlBit, ClearControlBit)
    ]
    others: list[Change] = [RemoveExpiry(who), AllowToAct(who, who), AddMember(who, who)]
    others += [RemoveMember(who, who), Restart(name)]
    of_share = (
        GrantOnShare(share, who, READ_EXECUTE),
        GrantOnShare(share, who, READ),
        RemoveFromShare(share, ace, name),
    )
    of_file = (
        GrantOnFile(share, name, True, who, READ),
        GrantOnFile(share, name, False, who, READ),
        RemoveFromFile(share, name, ace, name),
    )
    steps: list[Step] = [
        *(ListStep(who, "servicePrincipalName", (), (), (), (one,)) for one in lists),
        *(NumberStep(who, "userAccountControl", 0, 0, (one,)) for one in bits),
        *(RestartStep(name, (one,)) for one in others),
        *(EntryStep(share, "share", server, (ace,), (), (one,)) for one in of_share),
        *(EntryStep(place, "file", server, (ace,), (), (one,)) for one in of_file),
    ]
    return Plan(tuple(steps), (), (), "0" * 64)


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from(NASTY) | st.characters(codec="utf-16"), min_size=1, max_size=24))
def test_each_command_is_one_command_whatever_the_names(name: str):
    shapes = []
    for called in ("x" if name.isprintable() else "\n", name):
        found = list(commands(every_change(called)))
        for _, line in found:
            made = line.encode("utf-8", "surrogatepass")
            tree = parsed(made)
            assert not tree.has_error, line
            names = [made[n.start_byte : n.end_byte].decode() for n in nodes(tree, "command_name")]
            assert len(names) == 1
            assert names[0] in BY_HAND
        shapes.append([(number, line.split()[0]) for number, line in found])
    assert shapes[0] == shapes[1]


def test_the_commands_add_and_replace_nothing():
    lines = [line for _, line in commands(every_change("x"))]
    assert {line.split()[0] for line in lines} == BY_HAND
    assert not [line for line in lines if "-Replace" in line or "/grant:r" in line]
    assert sum(line.startswith(".\\change.ps1 -Apply -Only ") for line in lines) == 9
