from __future__ import annotations

import pytest

from vmmaudit.imports import icacls
from vmmaudit.imports.record import ImportsError
from vmmaudit.windows.descriptor import decode
from vmmaudit.windows.sddl import parse

SAVED = (
    "iso\r\nD:PAI(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;S-1-5-21-1-2-3-1104)\r\n"
    "iso\\Größe D.iso\r\nD:AI(A;ID;FA;;;SY)\r\n"
    "iso\\offen.iso\r\nD:NO_ACCESS_CONTROL\r\n"
)


def test_pairs_of_lines():
    first, second, third = icacls.records(SAVED, "iso.acl")
    assert (first.text("Path"), first.line) == ("iso", 1)
    assert (second.text("path"), second.line) == ("iso\\Größe D.iso", 3)
    assert len(decode(parse(first.text("Sddl") or "")).aces) == 2
    assert third.text("Sddl") == "D:NO_ACCESS_CONTROL"


def test_descriptors_alone():
    (found,) = icacls.records("O:BAG:S-1-5-21-1-2-3-513D:P(A;;FA;;;BA)\n", "a.txt")
    assert not found.has("Path")
    assert found.text("Sddl") == "O:BAG:S-1-5-21-1-2-3-513D:P(A;;FA;;;BA)"


@pytest.mark.parametrize("text", ["iso\n", "a\nb\nD:(A;;FA;;;BA)\n", "a\nD:P\nb\n"])
def test_a_path_without_descriptor(text: str):
    with pytest.raises(ImportsError, match=r"a\.acl, line \d: no descriptor follows"):
        list(icacls.records(text, "a.acl"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("D:", True), ("D:PAI(A;", True), ("O:SYG:SYD:", True), ("D:\\ISO", False), ("S:\\x", False),
     ("D:ISO", False), ("dvd.iso", False), ("", False), ("O:BA", True)],
)  # fmt: skip
def test_what_looks_like_a_descriptor(text: str, wanted: bool):
    assert icacls.is_sddl(text) is wanted
