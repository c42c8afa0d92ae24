from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmmaudit.imports import clixml
from vmmaudit.imports.record import ImportsError, Record

SPACE = "http://schemas.microsoft.com/powershell/2004/04"
KINDS = "<T>Deserialized.Microsoft.VirtualManager.Remoting.Host</T><T>System.Object</T>"
CREDENTIAL = """<Obj N="Cred" RefId="5">
<TN RefId="6"><T>System.Management.Automation.PSCredential</T></TN>
<Props><S N="UserName">geheimer</S><SS N="Password">0100f00d</SS></Props></Obj>"""
HOST = f"""<Objs Version="1.1.0.1" xmlns="{SPACE}">
  <Obj RefId="0">
    <TN RefId="0">{KINDS}</TN>
    <ToString>hyper07</ToString>
    <Props>
      <S N="Name">hyper07_x000D__x000A_x_xD83D__xDE00_</S>
      <B N="Up">true</B><I32 N="Count">3</I32><Nil N="Nothing" /><S N="Empty"></S>
      <BA N="Raw">AQI=</BA><C N="Letter">228</C><DT N="When">2026-01-02T03:04:05.678+01:00</DT>
      <Obj N="Sid" RefId="1"><TN RefId="1"><T>System.Security.Principal.SecurityIdentifier</T></TN>
        <ToString>S-1-5-21-1-2-3-4</ToString>
        <Props><I32 N="BinaryLength">28</I32><S N="AccountDomainSid">S-1-5-21-1-2-3</S>
          <S N="Value">S-1-5-21-1-2-3-4</S></Props></Obj>
      <Obj N="State" RefId="2"><TN RefId="2"><T>X.State</T></TN><ToString>Running</ToString>
        <I32>4</I32></Obj>
      <Obj N="Spns" RefId="3"><TN RefId="3"><T>System.Object[]</T></TN>
        <LST><S>cifs/a</S><S>cifs/b</S></LST></Obj>
      <Ref N="Again" RefId="3" />
      <Ref N="Foreign" RefId="99" />
      <SS N="Word">0100f00d</SS>
      {CREDENTIAL}
    </Props>
    <MS>
      <Obj N="RunAs" RefId="8"><TNRef RefId="0" /><ToString>RunAs</ToString>
        <Props><S N="Name">VMM</S><S N="UserName">svc-vmm</S></Props></Obj>
      <Obj N="Map" RefId="9"><TN RefId="9"><T>System.Collections.Hashtable</T></TN>
        <DCT><En><S N="Key">k</S><S N="Value">v</S></En></DCT></Obj>
      <S N="Cut">System.Object[]</S>
    </MS>
  </Obj>
  <S>words</S>
</Objs>"""


def objects(text: str) -> list[Record]:
    return list(clixml.records(text, "a.xml"))


def test_an_object():
    (found,) = objects(HOST)
    assert found.kinds == ("Microsoft.VirtualManager.Remoting.Host", "System.Object")
    assert found.line == 2
    assert found.values["Name"] == ("hyper07\r\nx\N{GRINNING FACE}",)
    assert (found.text("Up"), found.text("Count"), found.text("Letter")) == ("True", "3", "ä")
    assert found.values["Nothing"] == found.values["Empty"] == ()
    assert found.all("Raw") == (b"\1\2",)
    assert found.text("When") == "2026-01-02T03:04:05.678+01:00"
    assert found.text("Sid") == "S-1-5-21-1-2-3-4"
    assert found.text("State") == "Running"
    assert found.all("Spns") == found.all("Again") == ("cifs/a", "cifs/b")
    assert found.text("RunAs") == "VMM"
    assert found.text("RunAs.UserName") == "svc-vmm"
    assert found.text("Map.k") == "v"
    assert found.truncated == {"Foreign", "Word", "Cred", "Cut"}


def test_no_secret_is_kept():
    (found,) = objects(HOST)
    assert not any(
        "f00d" in str(value) or "geheim" in str(value) for value in found.values.values()
    )
    assert objects(f'<Objs xmlns="{SPACE}">{CREDENTIAL}</Objs>') == []


def test_a_list_at_the_top_is_as_many_objects():
    inner = "".join(f'<Obj RefId="{n}"><MS><S N="a">{n}</S></MS></Obj>\n' for n in (1, 2))
    kind = '<TN RefId="0"><T>System.Object[]</T></TN>'
    text = f'<Objs><Obj RefId="0">{kind}<LST>\n{inner}</LST></Obj></Objs>'
    assert [(found.text("a"), found.line) for found in objects(text)] == [("1", 2), ("2", 3)]


def test_the_declared_encoding_does_not_matter():
    assert objects('<?xml version="1.0" encoding="utf-16"?><Objs/>') == []


BILLION = "".join(
    f'<Obj N="x" RefId="{n}"><LST><Ref RefId="{n - 1}"/><Ref RefId="{n - 1}"/></LST></Obj>'
    for n in range(2, 60)
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]><Objs>&a;</Objs>', "a.xml, line 1: it has a document type"),
        ("<Objs>&a;</Objs>", "a.xml, line 1: it is not XML (undefined entity)"),
        ("<Events/>", "a.xml, line 1: it is XML but not CLIXML"),
        ("<Objs>\n<Obj>", "a.xml, line 2: it is not XML"),
        ("<Objs>\n<BA>?</BA></Objs>", "a.xml, line 2: a byte array is not base64"),
        ("<Objs>\n<BA>ü</BA></Objs>", "a.xml, line 2: a byte array is not base64"),
        ("<Objs>" + "<Obj>" * 200, "a.xml, line 1: objects are nested too deeply"),
        (
            '<Objs><Obj RefId="0"><MS><Obj N="x" RefId="1"><LST><S>a</S><S>b</S></LST></Obj>'
            + BILLION,
            "a.xml, line 1: one object holds over a million values",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, sentence: str):
    with pytest.raises(ImportsError) as caught:
        objects(text)
    assert str(caught.value).startswith(sentence)


PARTS = (
    *("<Obj>", '<Obj RefId="1">', '<Obj N="x" RefId="1">', "</Obj>", "<LST>", "</LST>", "<DCT>"),
    *("</DCT>", "<Props>", "</Props>", "<En>", "</En>", '<S N="Key">a</S>', '<Ref RefId="1"/>'),
    *("<S>_xD800_</S>", "<C>9999999</C>", "<C>55296</C>", "<TN><T>a</T></TN>", "<Nil/>", "\0", "&"),
    *('<BA N="b">AA==</BA>', "<ToString>x</ToString>", "<\ud800"),
)


@given(st.lists(st.sampled_from(PARTS), max_size=12), st.booleans())
@settings(max_examples=400, deadline=None)
def test_hostile_text(parts: list[str], closed: bool):
    opened = [part[1:].split()[0].strip(">") for part in parts if part[:1] == "<" != part[1:2]]
    ends = "".join(f"</{tag}>" for tag in reversed(opened) if closed and tag != "/")
    said = ""
    try:
        objects(f"<Objs>{''.join(parts)}{ends}</Objs>")
    except ImportsError as error:
        said = str(error)
    assert not said or said.startswith("a.xml, line ")
