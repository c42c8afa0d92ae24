from dataclasses import replace

import pytest

from tests.controls.test_env_support import SHARE, of, outcomes, sid_of
from tests.simulate import simulate, without
from tests.worlds import DOMAIN, DOMAIN_SID, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.lib_04 import LIB_04
from vmmaudit.windows import descriptor as descriptors

ROLE = "MSClusterVirtualServer"
NAMES = questions.cluster_names(DOMAIN)


def site(library=("ROLE",)):
    """A library with the marks of a cluster, and two clusters."""
    marks = {
        "ROLE": (f"{ROLE}/LIBRARY01",),
        "CLUSTER": ("MSServerCluster/LIBRARY01", f"{ROLE}/LIBRARY01"),
        "NODE": ("MSServerClusterMgmtAPI/LIBRARY01",),
    }
    world = conforming().with_library(
        "LIBRARY01", extra_spns=tuple(spn for kind in library for spn in marks[kind])
    )
    clusters = tuple(
        (name, (f"MSServerCluster/{name}", f"{ROLE}/{name}")) for name in ("CL1", "CL2")
    )
    return replace(world, other_spns=clusters)


def owned(world, **owners):
    """The descriptors by which accounts belong to their cluster, or to whom else."""
    return {
        f"{name}$": {
            "nTSecurityDescriptor": [
                descriptors.encode(
                    [],
                    owner=by if by.startswith("S-") else sid_of(world, by),
                    group=None,
                    control=0,
                )
            ]
        }
        for name, by in owners.items()
    }


def judged(vmm_marks=(), library=("ROLE",), **owners):
    world = site(library)
    attributes = owned(world, **{"CL1": f"{DOMAIN_SID}-512", "CL2": f"{DOMAIN_SID}-512", **owners})
    if vmm_marks:
        spns = [b"HOST/VMM01", b"HOST/vmm01.contoso.com", *vmm_marks]
        attributes.setdefault("VMM01$", {})["servicePrincipalName"] = spns
    return of(LIB_04, world, SHARE, attributes)


def test_a_plain_file_server_is_not_applicable():
    outcome = of(LIB_04, subject=SHARE)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_APPLICABLE, "NOT_CLUSTERED")


def test_a_role_beside_a_plain_vmm_server_passes():
    outcome = judged(LIBRARY01="CL1")
    assert outcome.verdict is Verdict.PASS
    assert [remark.code for remark in outcome.remarks] == ["POSSIBLE_OWNERS"]


@pytest.mark.unverified
@pytest.mark.parametrize(("kind", "code"), [("NODE", "NODE"), ("CLUSTER", "CLUSTER_NAME")])
def test_another_name_of_a_cluster_is_a_warning(kind, code):
    outcome = judged(library=(kind,))
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, code)


VMM_ROLE = (b"MSClusterVirtualServer/VMM01",)


@pytest.mark.unverified
def test_the_same_cluster_fails():
    outcome = judged(VMM_ROLE, LIBRARY01="CL1", VMM01="CL1")
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "SAME_CLUSTER")
    assert outcome.values["vmm"] == (r"CONTOSO\VMM01$",)
    assert NAMES.id in outcome.evidence


@pytest.mark.unverified
def test_another_cluster_passes():
    assert judged(VMM_ROLE, LIBRARY01="CL1", VMM01="CL2").verdict is Verdict.PASS


@pytest.mark.unverified
def test_vmm_named_by_its_cluster_fails_too():
    marks = (b"MSServerCluster/VMM01", b"MSClusterVirtualServer/VMM01")
    assert judged(marks, LIBRARY01="VMM01").code == "CLUSTER_UNKNOWN"
    assert judged(marks, LIBRARY01="VMM01", VMM01=f"{DOMAIN_SID}-512").code == "SAME_CLUSTER"


@pytest.mark.unverified
def test_accounts_that_a_person_made_tell_nothing():
    administrators = f"{DOMAIN_SID}-512"
    outcome = judged(VMM_ROLE, LIBRARY01=administrators, VMM01=administrators)
    assert (outcome.verdict, outcome.code) == (Verdict.MANUAL, "CLUSTER_UNKNOWN")


@pytest.mark.unverified
def test_vmm_named_by_a_node_leaves_it_open():
    outcome = judged((b"MSServerClusterMgmtAPI/VMM01",), LIBRARY01="CL1")
    assert (outcome.verdict, outcome.code) == (Verdict.MANUAL, "CLUSTER_UNKNOWN")


def test_a_gap_of_the_owners_leaves_it_open():
    world = site()
    attributes = owned(world, LIBRARY01="CL1", VMM01="CL1", CL1=f"{DOMAIN_SID}-512")
    attributes["VMM01$"]["servicePrincipalName"] = [b"HOST/VMM01", *VMM_ROLE]
    evidence, scope = simulate(world, attributes)
    outcome = outcomes(LIB_04, without(evidence, NAMES), scope)[SHARE]
    assert (outcome.verdict, outcome.code) == (Verdict.MANUAL, "CLUSTER_UNKNOWN")


def test_an_unknown_server_is_not_assessable():
    evidence, scope = simulate(conforming())
    refused = without(evidence, questions.spn(DOMAIN, "library01.contoso.com"))
    refused = without(refused, questions.computer(DOMAIN, "library01.contoso.com"))
    outcome = outcomes(LIB_04, refused, scope)[SHARE]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


def test_the_name_in_the_path_decides_not_the_server_behind_it():
    """The scope names the node behind the role; the SPN of the name is the role's."""
    world = replace(
        conforming().with_library(
            "LIBRARY01",
            unc_name="libcap.contoso.com",
            extra_spns=("MSServerClusterMgmtAPI/LIBRARY01",),
        ),
        other_spns=(("LIBCAP", ("HOST/libcap.contoso.com", f"{ROLE}/LIBCAP")),),
    )
    share = SHARE.replace("library01", "libcap")
    outcome = of(LIB_04, world, share)
    assert outcome.verdict is Verdict.PASS
    assert outcome.values["server"] == r"CONTOSO\LIBCAP$"
