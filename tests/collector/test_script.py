"""The script by its grammar: it parses, and nothing in it can change anything.

It was never run on Windows by us; so much the more is said here about what it may contain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from vmmaudit import questions
from vmmaudit.collector import script

SOURCE = script().encode()
TREE = Parser(Language(tree_sitter_powershell.language())).parse(SOURCE).root_node

READS = re.compile(r"Get-[A-Z]\w+")
PLAIN = {
    "ConvertTo-Json", "ForEach-Object", "Read-Host", "Select-Object", "Sort-Object", "Where-Object",
    "Write-Host",
}  # fmt: skip
TYPES = {
    "ADSI", "CmdletBinding", "Collections.Generic.List", "Collections.IEnumerable", "Convert",
    "DateTime", "DirectoryServices.Protocols.LdapConnection",
    "DirectoryServices.Protocols.LdapDirectoryIdentifier",
    "DirectoryServices.Protocols.PageResultRequestControl",
    "DirectoryServices.Protocols.PageResultResponseControl",
    "DirectoryServices.Protocols.SearchRequest",
    "DirectoryServices.Protocols.SecurityDescriptorFlagControl",
    "DirectoryServices.Protocols.SecurityMasks", "Environment", "IO.Directory", "IO.File",
    "IO.Path", "Math", "Parameter", "Reflection.Assembly",
    "Security.AccessControl.RawSecurityDescriptor", "Security.Principal.SecurityIdentifier",
    "Security.Principal.WindowsIdentity", "Text.Encoding", "Text.UTF8Encoding", "ValueType", "bool",
    "byte", "char", "int", "object", "ordered", "string", "switch", "void",
}  # fmt: skip
CALLS = {
    "Add", "Bind", "Combine", "Contains", "ContainsKey", "CreateDirectory", "GetBinaryForm",
    "GetBytes", "GetCurrent", "GetSecurityDescriptorBinaryForm", "GetValues", "Invoke",
    "LoadWithPartialName", "Min", "SendRequest", "Split", "StartsWith", "Substring",
    "ToBase64String", "ToString", "ToUniversalTime", "Trim", "TrimEnd", "TrimStart", "WriteAllText",
    "new",
}  # fmt: skip
"""Every method that is called; those that write are looked at below."""
SET = {
    "$connection.SessionOptions.ProtocolVersion", "$connection.SessionOptions.ReferralChasing",
    "$connection.SessionOptions.Sealing", "$connection.SessionOptions.Signing", "$note.error",
    "$note.found", "$page.Cookie", "$row.VMHostManagementCredential", "$row.complete",
    "$row.descriptor", "$row.kind", "$row.members", "$row.sddl", "$row.size",
}  # fmt: skip
"""Every property that is set: of the connection, and of what is written to the files."""


def nodes(kind: str, below: Node = TREE) -> Iterator[Node]:
    waiting = [below]
    while waiting:
        node = waiting.pop()
        if node.type == kind:
            yield node
        waiting.extend(node.children)


def text(node: Node) -> str:
    return SOURCE[node.start_byte : node.end_byte].decode()


def names(kind: str) -> set[str]:
    return {text(node) for node in nodes(kind)}


def test_it_follows_the_grammar():
    wrong = [
        (node.start_point.row + 1, text(node)[:40])
        for kind in ("ERROR", ";", "}", ")")
        for node in nodes(kind)
        if node.is_error or node.is_missing
    ]
    assert wrong == []
    assert not TREE.has_error


def test_it_is_ascii_so_that_powershell_5_reads_it():
    assert script().isascii()
    assert "NOT RUN ON WINDOWS BY US" in script()


def test_every_command_only_reads():
    own = {text(node) for node in nodes("function_name")}
    assert all(name.split("-")[0] in ("Add", "ConvertTo", "Get", "Read", "Search") for name in own)
    for name in names("command_name") - own - PLAIN:
        assert READS.fullmatch(name) or name == "$read", name


def test_what_is_called_by_reference_is_only_a_block_of_this_script():
    invoked = {
        text(node.parent)
        for node in nodes("command_invokation_operator")
        if node.parent is not None
    }
    assert invoked == {"& $read"}
    assert set(re.findall(r"\$read = .*", script())) == {
        "$read = if ($new) { $kind.new } else { $kind.old }"
    }


def test_types_and_methods_are_on_a_list():
    literals = " ".join(names("type_literal") | names("attribute"))
    assert set(re.findall(r"(?<=\[)[A-Za-z][\w.]+", literals)) <= TYPES
    called = {
        text(member)
        for node in nodes("invokation_expression")
        for member in node.children
        if member.type == "member_name"
    }
    assert called == CALLS


def test_what_could_write_writes_only_to_the_output():
    code = script()
    assert re.findall(r"\[IO\.File\]::\w+\(\S+", code) == [
        "[IO.File]::WriteAllText($path,",
        "[IO.File]::WriteAllText([IO.Path]::Combine($Folder,",
    ]
    assert set(re.findall(r"\$path = .*", code)) == {
        '$path = [IO.Path]::Combine($Folder, "$name.json")'
    }
    assert re.findall(r"\$Folder = .*", code) == [
        "$Folder = (Get-Item -LiteralPath $Output).FullName"
    ]
    assert re.findall(r"CreateDirectory\([^)]*\)", code) == ["CreateDirectory($Output)"]
    assert re.findall(r"\.Invoke\([^)]*\)", code) == [".Invoke('Members')"]
    assert re.findall(r"LoadWithPartialName\(([^)]*)\)", code) == [
        "'System.DirectoryServices.Protocols'"
    ]
    assert set(re.findall(r"Protocols\.(\w+Request)\b", code)) == {"SearchRequest"}
    assert not list(nodes("redirection"))


def test_no_property_of_a_foreign_object_is_set():
    left = {text(node).strip() for node in nodes("left_assignment_expression")}
    assert {name for name in left if "." in name and not name.startswith("$Sids[")} == SET


def test_it_reads_the_attributes_that_are_asked_for():
    found = re.search(r"\$Principal = ((?:'[^']+',?\s*)+)", script())
    assert found
    assert tuple(re.findall(r"'([^']+)'", found[1])) == questions.PRINCIPAL
    found = re.search(r"\$Named = (.*)", script())
    assert found
    asked = questions.names("contoso.local", ["S-1-5-21-1-2-3-4"])[0]
    assert ",".join(sorted(re.findall(r"'([^']+)'", found[1]))) == asked.detail[3]


def test_it_asks_the_directory_what_the_auditor_would_ask():
    """Filters as the questions have them, with the script's variables filled in."""
    code = re.sub(r"\$\{(\w+)\}", r"$\1", script().replace("`$", "\0"))
    filters = {
        text.replace("\0", "$").replace("$bit", ":1.2.840.113556.1.4.803:=")
        for text in re.findall(r"[\"'](\([^\"'\n]*\))[\"']", code)
    }
    for question in (
        questions.root_dse("d.e"),
        questions.trusts("d.e"),
        questions.domain_controllers("d.e"),
        questions.vmm_spns("d.e"),
        questions.cluster_names("d.e"),
        questions.connection_points("d.e"),
        questions.hyper_v_computers("d.e"),
        questions.silos("d.e"),
        questions.computer_security("d.e", "CN=h"),
        questions.link_times("d.e", "CN=g"),
        questions.spn("d.e", "$spelt"),
    ):
        wanted = question.detail[2].replace("\\24", "$")
        assert wanted in filters, wanted
        for attribute in question.detail[3].split(","):
            assert attribute in code, attribute


def test_it_never_selects_everything_of_an_account():
    assert "Select-Object *" not in script()
    kept = re.search(r"file = 'vmm-runas'.*\n\s+keep = (.*) \}", script())
    assert kept
    assert set(re.findall(r"'(\w+)'", kept[1])) == {"ID", "Name", "UserName", "Domain", "Enabled"}
    assert not re.search(
        r"(?i)password|credential\b(?!\.)\w*\s*=\s*\$object\.VMH\w+$", script()[2000:]
    )
