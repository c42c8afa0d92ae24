"""Collecting from the lab as an auditor with a ticket."""

from __future__ import annotations

import os

from tests.lab.lab import Lab
from tests.simulate import scope_of
from tests.worlds import DOMAIN, World
from vmmaudit.collect.gather import collect
from vmmaudit.collect.live import Live
from vmmaudit.evidence import Evidence
from vmmaudit.scope import Authentication, Domain, Scope, TokenProfile


def lab_scope(world: World) -> Scope:
    """The scope of a world in the lab, whose members are Samba servers."""
    scope = scope_of(world)
    libraries = tuple(
        library.model_copy(update={"token_profile": TokenProfile.SAMBA_MEMBER})
        for library in scope.libraries
    )
    domain = Domain(name=DOMAIN, auth=Authentication(secret="ccache"))
    return scope.model_copy(update={"libraries": libraries, "domains": (domain,)})


def log_on(lab: Lab, name: str) -> None:
    """Make the ticket of `name` the one that this process uses."""
    os.environ["KRB5CCNAME"] = f"FILE:{lab.ccache(name)}"


def collected(
    lab: Lab, world: World, user: str = "auditadmin", scope: Scope | None = None
) -> tuple[Evidence, Scope]:
    """The evidence of the lab as it is now, and its scope."""
    log_on(lab, user)
    used = scope or lab_scope(world)
    wire = Live(used.domains)
    try:
        return collect(used, wire), used
    finally:
        wire.close()
