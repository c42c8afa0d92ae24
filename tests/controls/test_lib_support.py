"""What the tests of LIB and PRM share: changed worlds, gaps, and outcomes by subject."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.controls.test_env_support import LANGUAGES, outcomes, texts
from tests.simulate import scope_of, simulate, without
from tests.variants import GOOD
from tests.worlds import SHARE, Ace, Descriptor, Item, World
from vmmaudit.assessment import Verdict
from vmmaudit.controls.control import Control, Outcome
from vmmaudit.controls.lib_01 import LIB_01
from vmmaudit.controls.lib_02 import LIB_02
from vmmaudit.controls.lib_03 import LIB_03
from vmmaudit.controls.lib_05 import LIB_05
from vmmaudit.controls.prm_01 import PRM_01, PRM_02, PRM_03, PRM_04, PRM_05, PRM_06
from vmmaudit.controls.prm_07 import PRM_07
from vmmaudit.controls.prm_08 import PRM_08
from vmmaudit.controls.prm_09 import PRM_09
from vmmaudit.controls.texts import PLACEHOLDER
from vmmaudit.evidence import Question, Reason

CONTROLS = (
    *(LIB_01, LIB_02, LIB_03, LIB_05),
    *(PRM_01, PRM_02, PRM_03, PRM_04, PRM_05, PRM_06, PRM_07, PRM_08, PRM_09),
)
CONDITIONAL_ALLOW = 9
CONDITIONAL_DENY = 10
LIBRARY = "LIBRARY01"
SERVER = "library01.contoso.com"


def aces(descriptor: Descriptor) -> tuple[Ace, ...]:
    return descriptor.aces or ()


def with_share(*entries: Ace, world: World = GOOD) -> World:
    """The share permissions are these."""
    return world.with_share(LIBRARY, SHARE, descriptor=Descriptor(entries))


def with_root(*entries: Ace, world: World = GOOD) -> World:
    """The permissions of the root folder are these."""
    return world.with_share(LIBRARY, SHARE, root=Descriptor(entries))


def with_files(descriptor: Descriptor, world: World = GOOD) -> World:
    """Every image of the library has these permissions."""
    for item in images(world):
        world = world.with_item(LIBRARY, SHARE, item.path, descriptor=descriptor)
    return world


def with_items(items: Iterable[Item], world: World = GOOD) -> World:
    """The library holds these folders and files."""
    return world.with_share(LIBRARY, SHARE, items=tuple(items))


def images(world: World = GOOD) -> list[Item]:
    return [item for item in items(world) if item.size is not None]


def folders(world: World = GOOD) -> list[Item]:
    return [item for item in items(world) if item.size is None]


def items(world: World = GOOD) -> tuple[Item, ...]:
    return world.library(LIBRARY).shares[0].items


def found(
    control: Control,
    subject: str,
    world: World = GOOD,
    *gaps: Question,
    reason: Reason = Reason.ACCESS_DENIED,
    **scope_changes: object,
) -> Outcome:
    """The outcome for one subject, with some answers refused; its words are tried as well."""
    evidence, scope = simulate(world, scope=scope_of(world, **scope_changes))
    for gap in gaps:
        evidence = without(evidence, gap, reason)
    return outcomes(control, evidence, scope)[subject]


def said(outcome: Outcome) -> tuple[Verdict, str]:
    return outcome.verdict, outcome.code


def remarks(outcome: Outcome) -> set[str]:
    return {remark.code for remark in outcome.remarks}


def sentences(control: Control) -> set[str]:
    """The codes that a control has sentences for, besides that of a plain PASS."""
    return set(texts(control.id, "en").finding) - {"pass"}


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_the_words_are_alike_in_both_languages(control):
    german, english = (texts(control.id, language) for language in LANGUAGES)
    for table in ("finding", "remedy", "remark"):
        ours, theirs = getattr(german, table), getattr(english, table)
        assert list(ours) == list(theirs)
        for code in ours:
            assert set(PLACEHOLDER.findall(ours[code])) == set(PLACEHOLDER.findall(theirs[code]))
    assert "pass" in german.finding
    assert set(german.remedy) - {"default"} <= set(german.finding) - {"pass"}
    assert not PLACEHOLDER.search(german.remedy["default"]), "it also serves gaps without values"


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
@pytest.mark.parametrize("language", LANGUAGES)
def test_commands_add_and_quote(control, language):
    for remedy in texts(control.id, language).remedy.values():
        commands = "\n".join(remedy.split("```")[1::2])
        assert "/grant:r" not in commands, "it would replace what is there"
        for line in commands.splitlines():
            for place in PLACEHOLDER.finditer(line):
                assert line[: place.start()].count("'") % 2, line
                assert "'" in line[place.end() :], line


@pytest.mark.parametrize("control", [c for c in CONTROLS if c.id < "PRM-07" and c.id > "PRM"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_more_than_read_is_advised(control, language):
    for remedy in texts(control.id, language).remedy.values():
        assert "-AccessRight Full" not in remedy
        assert ":(OI)(CI)F" not in remedy


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_sources_are_named(control):
    assert control.references
    assert not [source for source in control.references if source.startswith("S")]
