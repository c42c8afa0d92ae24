"""PRM-10 to PRM-12: how rights are given, and what is wrong with lists as such."""

from dataclasses import replace

import pytest

from tests import worlds
from tests.controls.test_env_support import of, outcomes
from tests.simulate import simulate, without
from tests.worlds import (
    BOTH,
    DENY,
    FILE_ACL,
    FULL,
    READ_EXECUTE,
    SHARE,
    SHARE_ACL,
    Ace,
    Descriptor,
    Group,
    conforming,
)
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.prm_10 import PRM_10
from vmmaudit.controls.prm_11 import PRM_11
from vmmaudit.controls.prm_12 import PRM_12

LIB = r"\\library01.contoso.com\msscvmmlibrary"
GOOD = conforming()


@pytest.mark.parametrize("control", [PRM_10, PRM_11, PRM_12], ids=lambda control: control.id)
def test_a_conforming_library(control):
    assert of(control, subject=LIB).verdict is Verdict.PASS


@pytest.mark.parametrize("control", [PRM_10, PRM_11, PRM_12], ids=lambda control: control.id)
def test_an_unread_library_is_not_assessable(control):
    evidence, scope = simulate(GOOD)
    server = questions.file_server(scope, scope.libraries[0])
    refused = without(evidence, questions.listing(server, SHARE, ""))
    assert outcomes(control, refused, scope)[LIB].verdict is Verdict.NOT_ASSESSABLE


def granting(name):
    aces = (*(SHARE_ACL.aces or ()), Ace(name, READ_EXECUTE))
    return GOOD.with_share("LIBRARY01", SHARE, descriptor=Descriptor(aces))


@pytest.mark.parametrize(
    ("name", "code"),
    [("HYPER01", "DIRECT"), ("service.vmm", "DIRECT"), ("GG_HyperV_Hosts", "GLOBAL")],
)
def test_entries_that_are_no_agdlp(name, code):
    found = of(PRM_10, granting(name), LIB)
    assert (found.verdict, found.code) == (Verdict.WARN, code)


def test_a_distribution_group_gives_no_right():
    world = replace(GOOD, groups=(*GOOD.groups, Group("Verteiler", "domain-local", ())))
    aces = (*(SHARE_ACL.aces or ()), Ace("Verteiler", READ_EXECUTE))
    world = world.with_share("LIBRARY01", SHARE, descriptor=Descriptor(aces))
    found = of(PRM_10, world, LIB, {"Verteiler": {"groupType": [b"4"]}})
    assert (found.verdict, found.code) == (Verdict.FAIL, "POWERLESS")


@pytest.mark.parametrize("name", ["Domain Admins", "Everyone", r"BUILTIN\Users"])
def test_what_came_with_windows_is_left_alone(name):
    assert of(PRM_10, granting(name), LIB).verdict is Verdict.PASS


def with_file(descriptor):
    return GOOD.with_item("LIBRARY01", SHARE, worlds.ISO, descriptor=descriptor)


def test_a_file_with_an_entry_of_its_own_still_has_its_folders():
    own = Descriptor((Ace("Everyone", READ_EXECUTE), *(FILE_ACL.aces or ())))
    assert of(PRM_11, with_file(own), LIB).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "descriptor",
    [
        Descriptor((FILE_ACL.aces or ())[:2]),
        replace(FILE_ACL, protected=True),
        Descriptor(()),
        Descriptor(None),
    ],
)
def test_a_file_that_was_moved(descriptor):
    found = of(PRM_11, with_file(descriptor), LIB)
    assert (found.verdict, found.code) == (Verdict.WARN, "OTHER_THAN_FOLDER")
    assert found.values["files"] == (worlds.ISO,)


def test_a_library_without_files():
    share = GOOD.library("LIBRARY01").shares[0]
    folders = tuple(item for item in share.items if item.size is None)
    found = of(PRM_11, GOOD.with_share("LIBRARY01", SHARE, items=folders), LIB)
    assert (found.verdict, found.code) == (Verdict.NOT_APPLICABLE, "NO_ISO")


@pytest.mark.parametrize(
    ("descriptor", "verdict", "code"),
    [
        (Descriptor(None), Verdict.FAIL, "NO_DACL"),
        (Descriptor(()), Verdict.WARN, "EMPTY"),
        (Descriptor((Ace("Orphan", READ_EXECUTE),)), Verdict.WARN, "ORPHANS"),
        (
            Descriptor((Ace("Everyone", READ_EXECUTE), Ace("HYPER01", READ_EXECUTE, DENY))),
            Verdict.WARN,
            "ORDER",
        ),
        (
            Descriptor((Ace("HYPER01", READ_EXECUTE, DENY), *(FILE_ACL.aces or ()))),
            Verdict.PASS,
            "",
        ),
    ],
)
def test_lists_that_are_not_whole(descriptor, verdict, code):
    found = of(PRM_12, with_file(descriptor), LIB)
    assert (found.verdict, found.code) == (verdict, code)


def test_a_folder_that_does_not_inherit_is_remarked():
    folder = Descriptor((Ace("SYSTEM", FULL, flags=BOTH),), protected=True)
    found = of(PRM_12, GOOD.with_item("LIBRARY01", SHARE, "ISOs", descriptor=folder), LIB)
    assert [remark.code for remark in found.remarks] == ["PROTECTED"]


def test_a_local_group_with_accounts_in_it():
    group = next(g for g in GOOD.groups if g.name == "DL_VMMLib_R")
    world = GOOD.with_group("DL_VMMLib_R", members=(*group.members, "HYPER01"))
    found = of(PRM_10, world, LIB)
    assert (found.verdict, found.code) == (Verdict.WARN, "ACCOUNTS_IN_LOCAL")


@pytest.mark.parametrize("control", [PRM_10, PRM_12], ids=lambda control: control.id)
def test_an_unread_file_is_not_assessable(control):
    evidence, scope = simulate(GOOD)
    server = questions.file_server(scope, scope.libraries[0])
    refused = without(evidence, questions.descriptor(server, SHARE, worlds.ISO))
    assert outcomes(control, refused, scope)[LIB].verdict is Verdict.NOT_ASSESSABLE
