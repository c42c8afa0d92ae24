from dataclasses import replace
from datetime import timedelta

import pytest

from tests.controls.test_env_support import HOST, OTHER, of, other_domain, outcomes
from tests.simulate import scope_of, simulate, without
from tests.worlds import DOMAIN, MOMENT, cifs, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.scp_01 import SCP_01
from vmmaudit.scope import Host, Library, VmmServer
from vmmaudit.windows.filetime import to_filetime

MIGRATION = "Microsoft Virtual System Migration Service"


def with_stranger(name="HYPER99"):
    fqdn = f"{name.lower()}.{DOMAIN}"
    spns = (f"HOST/{fqdn}", f"{MIGRATION}/{name}", f"{MIGRATION}/{fqdn}")
    return replace(conforming(), other_spns=((name, spns),))


def without_first_host(**audit):
    """The conforming world under a scope that names one host less."""
    scope = scope_of(conforming())
    audit = scope.audit.model_copy(update=audit)
    return of(SCP_01, subject=DOMAIN, hosts=scope.hosts[1:], audit=audit)


def codes(outcome):
    return [r.code for r in outcome.remarks if r.code != "INVENTORY_UNREAD"]


def test_a_scope_that_names_everything_passes():
    outcome = of(SCP_01, subject=DOMAIN)
    assert outcome.verdict is Verdict.PASS
    assert codes(outcome) == []
    assert questions.connection_points(DOMAIN).id in outcome.evidence


def test_a_host_that_is_not_declared_is_a_warning():
    outcome = without_first_host()
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "UNDECLARED")
    assert outcome.values["undeclared"] == (HOST,)
    assert codes(outcome) == ["HOSTS"]


def test_a_host_that_only_its_spn_tells_is_found_too():
    outcome = of(SCP_01, with_stranger(), DOMAIN)
    assert outcome.values["hosts"] == ("hyper99.contoso.com",)


def test_a_reason_in_the_scope_settles_it():
    outcome = without_first_host(exclusions=("HYPER01: Testsystem, nicht von VMM verwaltet",))
    assert outcome.verdict is Verdict.PASS
    assert codes(outcome) == ["EXCLUDED"]


@pytest.mark.parametrize("text", ["hyper011 is new", "xhyper01", "everything else"])
def test_a_reason_for_something_else_does_not(text):
    assert without_first_host(exclusions=(text,)).verdict is Verdict.WARN


def test_a_sample_that_says_so_passes():
    outcome = without_first_host(sample="6 von 7 Hosts, zufällig gewählt")
    assert outcome.verdict is Verdict.PASS
    assert "SAMPLE" in codes(outcome)


@pytest.mark.parametrize(
    "attributes",
    [
        {"userAccountControl": [b"4098"]},
        {"lastLogonTimestamp": [str(to_filetime(MOMENT - timedelta(days=46))).encode()]},
    ],
)
def test_a_host_that_is_gone_is_remarked_only(attributes):
    outcome = of(SCP_01, with_stranger(), DOMAIN, {"HYPER99$": attributes})
    assert outcome.verdict is Verdict.PASS
    assert codes(outcome) == ["STALE"]


def test_the_name_of_a_cluster_is_no_host():
    spns = (f"{MIGRATION}/CLUSTER", "MSServerCluster/CLUSTER")
    world = replace(conforming(), other_spns=(("CLUSTER", spns),))
    assert of(SCP_01, world, DOMAIN).verdict is Verdict.PASS


def test_a_target_of_delegation_may_be_a_library():
    targets = (*cifs("LIBRARY01"), *cifs("LIBRARY02"), "cifs/FILES", "cifs/files.contoso.com")
    outcome = of(SCP_01, conforming().with_host("HYPER01", delegate_to=targets), DOMAIN)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "UNDECLARED")
    assert outcome.values["libraries"] == ("files.contoso.com",)


def test_another_host_as_a_target_is_for_migration():
    targets = (*cifs("LIBRARY01"), *cifs("LIBRARY02"), *cifs("HYPER02"))
    outcome = of(SCP_01, conforming().with_host("HYPER01", delegate_to=targets), DOMAIN)
    assert outcome.verdict is Verdict.PASS


def test_a_vmm_server_that_is_not_declared_is_a_warning():
    outcome = of(SCP_01, subject=DOMAIN, vmm=())
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "UNDECLARED")
    assert codes(outcome) == ["VMM_SERVERS"]


@pytest.mark.parametrize(
    "changes",
    [
        {"hosts": (Host(name="hyper77.contoso.com"),)},
        {"vmm": (VmmServer(server="vmm77.contoso.com"),)},
        {"libraries": (Library(share=r"\\files77.contoso.com\ISO"),)},
    ],
)
def test_a_system_that_the_domain_does_not_know_fails(changes):
    outcome = of(SCP_01, subject=DOMAIN, **changes)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "NOT_FOUND")
    assert len(outcome.values["unknown"]) == 1
    assert "UNDECLARED" in codes(outcome)


def test_a_host_without_a_mark_is_remarked():
    evidence, scope = simulate(conforming())
    asked = questions.connection_points(DOMAIN)
    points = evidence.answers[asked]
    rows = tuple(row for row in points.rows if "HYPER03" not in row.name)
    answers = {**evidence.answers, asked: replace(points, rows=rows)}
    outcome = outcomes(SCP_01, replace(evidence, answers=answers), scope)[DOMAIN]
    assert outcome.verdict is Verdict.PASS
    assert outcome.values["unmarked"] == (r"CONTOSO\HYPER03$",)


@pytest.mark.parametrize(
    "question",
    [
        questions.connection_points(DOMAIN),
        questions.hyper_v_computers(DOMAIN),
        questions.vmm_spns(DOMAIN),
        questions.computer(DOMAIN, HOST),
    ],
)
def test_a_gap_is_not_assessable(question):
    evidence, scope = simulate(conforming())
    outcome = outcomes(SCP_01, without(evidence, question), scope)[DOMAIN]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


def test_each_domain_is_a_subject_of_its_own():
    found = outcomes(SCP_01, *other_domain())
    assert set(found) == {DOMAIN, OTHER}
    assert found[OTHER].verdict is Verdict.PASS
