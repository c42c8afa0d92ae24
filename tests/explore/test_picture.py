"""The picture shows the chain that the explanation tells, and escapes what others wrote."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from tests import worlds
from tests.explore.test_tables import WORLDS, blind, explored
from tests.worlds import ISO
from vmmaudit.assessment import Ternary
from vmmaudit.controls.texts import languages
from vmmaudit.errors import UsageError
from vmmaudit.explore.drawing import Box, Row, draw
from vmmaudit.explore.picture import Picture, rows

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "\"'><script>alert(1)</script>\u202e]]>&amp;\x00"


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - our own drawing


def drawn(picture: Picture) -> ElementTree.Element:
    return parsed(picture.svg)


def boxes(picture: Picture, title: str) -> list[tuple[str, str]]:
    (row,) = [r for r in rows(picture.explanation, picture.texts) if r.title == title]
    return [(box.kind, box.name) for line in row.lines for box in line]


def test_a_way_leads_from_the_identity_over_its_groups_to_the_entry_and_the_file():
    picture = explored(worlds.conforming()).explain("HYPER01", ISO)
    assert boxes(picture, "File: Read for the host") == [
        ("identity", "HYPER01$"),
        ("group", "GG_HyperV_Hosts"),
        ("group", "DL_VMMLib_R"),
        ("entry", "allows: Read"),
        ("target", ISO.rpartition("\\")[2]),
    ]
    assert boxes(picture, "Delegation by the host")[1] == ("entry", "msDS-AllowedToDelegateTo")
    assert "✗" not in "".join(drawn(picture).itertext()).replace(picture_key(picture), "")


def picture_key(picture: Picture) -> str:
    return picture.texts.word("explore", "picture", "key")


def test_a_denial_is_a_broken_arrow():
    picture = explored(WORLDS["file-denies-a-host"]).explain("HYPER01", ISO)
    assert ("entry", "denies: Read") in boxes(picture, "File: Read for the host")
    assert "stroke-dasharray" in picture.svg
    assert "✗" in "".join(drawn(picture).itertext())


def test_it_can_be_read_without_being_seen():
    picture = explored(worlds.conforming()).explain("HYPER01", ISO)
    root = drawn(picture)
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert "HYPER01$" in (title.text or "")
    assert "DL_VMMLib_R" in (description.text or "")


def test_it_needs_nothing_from_outside():
    svg = explored(worlds.conforming()).explain("HYPER01", ISO).svg
    assert set(re.findall(r"https?://[^\"' ]+", svg)) == {"http://www.w3.org/2000/svg"}
    assert "<script" not in svg


def test_equal_explanations_are_drawn_equally():
    one, other = (explored(worlds.conforming()).explain("HYPER01", ISO).svg for _ in range(2))
    assert one == other


@pytest.mark.parametrize("name", WORLDS)
def test_every_world_is_drawn_in_every_language(name: str):
    for language in languages():
        picture = explored(WORLDS[name], language).explain()
        assert len(drawn(picture).findall(f"{SVG}circle")) >= 7
        _nothing_sticks_out(drawn(picture))
        assert picture._repr_html_().count("<svg") == 1
        assert len(picture.to_frame()) == 7


def _nothing_sticks_out(root: ElementTree.Element) -> None:
    width = float((root.get("viewBox") or "").split()[2])
    for box in root.iter(f"{SVG}rect"):
        assert float(box.get("x", 0)) + float(box.get("width", 0)) <= width


def test_what_is_unknown_is_drawn_as_such():
    site = blind(explored(worlds.conforming()))
    share = site.audit.scope.libraries[0].share
    picture = site.explain("HYPER01", rf"{share}\{ISO}")
    assert picture.explanation.ready is Ternary.UNKNOWN
    assert ("gap", "?") in boxes(picture, "File: Read for the host")
    with pytest.raises(UsageError, match="No ISO image"):
        site.explain()


def test_hostile_names_are_only_seen():
    row = Row(
        Ternary.NO, HOSTILE, HOSTILE,
        ((Box("identity", HOSTILE, HOSTILE), Box("gap", HOSTILE, HOSTILE, False, HOSTILE)),),
        HOSTILE,
    )  # fmt: skip
    svg = draw(HOSTILE, HOSTILE, HOSTILE, Ternary.NO, [row], HOSTILE)
    parsed(svg)
    assert "<script" not in svg
    assert "\u202e" not in svg
    assert "\x00" not in svg


def test_a_long_name_keeps_its_ends_and_its_tool_tip():
    row = Row(Ternary.YES, "t", "c", ((Box("group", "group", "G" * 60 + "END"),),), "s")
    svg = draw("t", "v", "d", Ternary.YES, [row], "k")
    assert "G" * 60 + "END" in svg
    assert re.search(r">G+…G+END</text>", svg)
    _nothing_sticks_out(parsed(svg))


def test_hostile_names_of_a_directory_are_only_seen_in_every_result():
    world = worlds.conforming()
    name = "<img src=x onerror=alert(1)>.iso"
    share = world.libraries[0].shares[0]
    items = tuple(
        replace(item, path=rf"ISOs\{name}") if item.path == ISO else item for item in share.items
    )
    world = world.with_share(world.libraries[0].name, share.name, items=items)
    site = explored(world)
    picture = site.explain("HYPER01", name)
    shown = [picture, site.descriptors, site.matrix, site.verdicts, site, site.what_if(
        site.suppose.restarted("HYPER01")
    )]  # fmt: skip
    for result in shown:
        assert "<img" not in result._repr_html_()
    assert "&lt;img" in picture._repr_html_()
