from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmmaudit.imports import csv
from vmmaudit.imports.record import ImportsError, Record, stands_for_an_object


def rows(text: str) -> list[Record]:
    return list(csv.records(text, "a.csv"))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_export_csv(separator: str, end: str):
    lines = [
        "#TYPE Selected.System.Management.Automation.PSCustomObject",
        separator.join(('"Name"', '"Freigabepfad"', '"Größe"')),
        separator.join((f'"a {separator} ""b""{end}c"', '"\\\\ls\\iso"', '""')),
        separator.join(('"d"', '"e"')),
        "",
    ]
    first, second = rows(end.join(lines))
    assert first.kinds == ("Selected.System.Management.Automation.PSCustomObject",)
    assert first.text("NAME") == f'a {separator} "b"{end}c'
    assert first.text("freigabepfad") == "\\\\ls\\iso"
    assert first.values["Größe"] == ()
    assert (first.line, second.line) == (3, 5)
    assert second.has("größe")
    assert second.text("Größe") is None


def test_saved_by_excel():
    found = rows("#TYPE A.B;;\r\nName;Konto;\r\nh1;CONTOSO\\svc;\r\n;;\r\nh2;;\r\n")
    assert [dict(row.values) for row in found] == [
        {"Name": ("h1",), "Konto": ("CONTOSO\\svc",), "H3": ()},
        {"Name": ("h2",), "Konto": (), "H3": ()},
    ]
    assert rows("sep=;\nA;B\n1;2\n")[0].all("B") == ("2",)


def test_a_type_name_is_no_value():
    (found,) = rows('"Name","member","Nodes"\n"a","System.String[]","@{Name=x}"\n')
    assert found.all("member") == ()
    assert found.lost("MEMBER")
    assert found.lost("Nodes")
    assert not found.lost("Name")


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("Microsoft.ActiveDirectory.Management.ADPropertyValueCollection", True),
        ("System.Collections.Generic.List`1[System.String]", True),
        ("System.Object[]", True),
        ("Deserialized.Microsoft.X.Host", True),
        ("byte[]", True),
        ("system.contoso.local", False),
        ("SYSTEM.CONTOSO.LOCAL", False),
        ("Microsoft Hyper-V", False),
        ("Microsoft.iso", False),
        ("", False),
    ],
)
def test_what_stands_for_an_object(text: str, lost: bool):
    assert stands_for_an_object(text) is lost


def test_secrets_are_dropped():
    (found,) = rows(
        "Name,Password,ms-Mcs-AdmPwd,Cred.Kennwort,pwdLastSet,badPwdCount\na,b,c,d,1,2\n"
    )
    assert found.truncated == {"Password", "ms-Mcs-AdmPwd", "Cred.Kennwort"}
    assert found.values["Password"] == ()
    assert found.text("pwdlastset") == "1"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('"a","b"\n"c\n', "a.csv, line 2: a quotation mark opens"),
        ('"a","b"\n"c","d","e"\n', "a.csv, line 2: 3 values for 2 columns"),
        ('"a","A"\n', "a.csv, line 1: the column 'A' appears twice"),
        ('"a"\n\n"c"d\n', "a.csv, line 3: text follows"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, sentence: str):
    with pytest.raises(ImportsError) as caught:
        rows(text)
    assert str(caught.value).startswith(sentence)


def test_a_large_file_is_read_in_time():
    text = '"Name","Path"\n' + '"host","\\\\server\\share\\a.iso"\n' * 100_000
    assert sum(1 for _ in csv.records(text, "a.csv")) == 100_000


@given(st.text(alphabet='ab",;\t\r\n#ü', max_size=60))
@settings(max_examples=300, deadline=None)
def test_hostile_text(text: str):
    said = ""
    try:
        rows(text)
    except ImportsError as error:
        said = str(error)
    assert not said or said.startswith("a.csv, line ")


@given(
    st.lists(
        st.lists(st.text(alphabet='ab",;\r\n ü', max_size=6), min_size=2, max_size=2),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=200, deadline=None)
def test_what_export_csv_writes_comes_back(cells: list[list[str]]):
    def line(row: list[str]) -> str:
        return ";".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n"

    found = rows(line(["X", "Y"]) + "".join(map(line, cells)))
    wanted = [[(cell,) if cell else () for cell in row] for row in cells if any(row)]
    assert [[row.values["X"], row.values["Y"]] for row in found] == wanted
