"""What is asked of single domain controllers, and of clusters and controllers, in the lab."""

from __future__ import annotations

import pytest

from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.live.collecting import collected, lab_scope, log_on
from tests.worlds import DOMAIN, conforming
from vmmaudit import questions
from vmmaudit.collect.live import Live
from vmmaudit.evidence import Answer, Evidence, Gap, Reason
from vmmaudit.facts import decode
from vmmaudit.facts.replicas import Replica, replicas
from vmmaudit.windows import replication

pytestmark = pytest.mark.live
CONTROLLER = "dc01.contoso.com"


def test_one_controller_tells_what_the_domain_does(lab: Lab):
    world = conforming()
    apply(lab, world)
    evidence, scope = collected(lab, world)
    facts = decode(evidence, scope)
    host = facts.host(scope.hosts[0])
    asked = questions.replicas(CONTROLLER, DOMAIN, [host.sid])
    log_on(lab, "auditadmin")
    wire = Live(lab_scope(world).domains)
    try:
        replies = wire.ask(asked)
        (gone,) = wire.ask(questions.replicas("library01.contoso.com", DOMAIN, [host.sid]))
    finally:
        wire.close()
    assert isinstance(replies[0], Answer), replies
    told = Evidence(evidence.origin, dict(zip(asked, replies, strict=True)))
    found = replicas(told, [CONTROLLER])[CONTROLLER]
    assert isinstance(found, Replica)
    (known,) = found.objects.values()
    values = known.values["msDS-AllowedToDelegateTo"]
    assert {value.decode() for value in values} == set(host.delegates_to)
    assert known.versions[replication.USER_ACCOUNT_CONTROL] >= 1
    assert isinstance(gone, Gap)
    assert gone.reason in (Reason.UNREACHABLE, Reason.TIMEOUT)


def test_controllers_and_clusters_of_the_lab(lab: Lab):
    world = conforming()
    apply(lab, world)
    evidence, scope = collected(lab, world)
    facts = decode(evidence, scope)
    (controller,) = facts.controllers(DOMAIN)
    assert controller.name == CONTROLLER
    assert controller.version is None  # Samba
    assert facts.cluster_owners(DOMAIN) == {}
    asked = questions.cluster_names(DOMAIN)
    assert isinstance(evidence.reply(asked), Answer)
    discovered = facts.discovered(DOMAIN)
    assert "vmm01.contoso.com" in discovered.vmm
