"""*What if* by hand: by the names people use, without touching anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import worlds
from vmmaudit.assessment import Ternary
from vmmaudit.audit import Audit, demo
from vmmaudit.errors import UsageError

ISO = worlds.ISO


@pytest.fixture(scope="module")
def site() -> Audit:
    return demo()


def test_a_membership_and_a_restart_make_a_host_ready(site: Audit):
    before = site.explain("HYPER07", ISO)
    joined = site.what_if(site.suppose.member("HYPER07", r"CONTOSO\GG_HyperV_Hosts"))
    restarted = joined.what_if(site.suppose.restarted("HYPER07"))
    assert before.ready is Ternary.NO
    assert joined.explain("HYPER07", ISO).ready is Ternary.YES
    assert restarted.explain("HYPER07", ISO).in_force is Ternary.YES
    assert site.explain("HYPER07", ISO).ready is Ternary.NO


def test_the_verdicts_follow(site: Audit):
    mended = site.what_if(site.suppose.any_protocol("HYPER03"))
    wrong, right = (
        sum(j.control == "DEL-02" and j.verdict.value == "FAIL" for j in a.assessment.verdicts)
        for a in (site, mended)
    )
    assert right < wrong


def test_nothing_of_it_is_written(site: Audit, tmp_path: Path):
    supposed = site.what_if(site.suppose.restarted("HYPER01"))
    with pytest.raises(UsageError, match="no evidence"):
        supposed.save(tmp_path)
    assert not list(tmp_path.iterdir())


def test_entries_by_unc(site: Audit):
    library = site.scope.libraries[0].share
    grant = site.suppose.file_read(r"CONTOSO\GG_HyperV_Hosts", rf"{library}\ISOs")
    assert (grant.path, grant.is_folder) == ("ISOs", True)
    assert site.suppose.share_read("GG_HyperV_Hosts", library).share == library
    assert site.suppose.delegation("HYPER07", library).spn == "cifs/library01.contoso.com"


@pytest.mark.parametrize("name", ["Nobody", "CONTOSO\\Nobody", ""])
def test_unknown_names_are_refused(site: Audit, name: str):
    with pytest.raises(UsageError):
        site.suppose.member(name, "GG_HyperV_Hosts")
