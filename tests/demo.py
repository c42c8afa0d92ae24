"""Makes the embedded demo: a site with the usual mistakes. `python -m tests.demo` rewrites it."""

from __future__ import annotations

from datetime import timedelta

from tests import worlds
from tests.simulate import scope_text, simulate
from tests.worlds import DENY, MOMENT, READ, SHARE, Ace, Descriptor, World, cifs
from vmmaudit import evidence as evidence_format
from vmmaudit.audit import DEMO
from vmmaudit.pack import EVIDENCE, SCOPE


def demo_world() -> World:
    """Seven hosts and two library servers; one thing is wrong with each host but the first."""
    world = worlds.conforming()
    to_first = cifs("LIBRARY01")
    short_only = (to_first[1], *cifs("LIBRARY02"))
    world = world.with_host("HYPER02", delegate_to=to_first)
    world = world.with_host("HYPER03", any_protocol=False)
    world = world.with_host("HYPER04", delegation_changed=MOMENT - timedelta(hours=3))
    world = world.with_host("HYPER05", delegate_to=short_only, booted=None)
    world = world.with_host("HYPER06", run_as="run.as")
    world = world.with_group("GG_HyperV_Hosts", members=worlds.HOSTS[:6])
    world = world.with_user("run.as", sensitive=True)
    entries = worlds.FILE_ACL.aces or ()
    denying = Descriptor((Ace("HYPER02", READ, DENY), *entries))
    return world.with_item("LIBRARY01", SHARE, r"ISOs\Prüfung_ä.iso", descriptor=denying)


def main() -> None:
    """Write the scope and the evidence into the package."""
    world = demo_world()
    evidence, _ = simulate(world)
    DEMO.mkdir(exist_ok=True)
    (DEMO / SCOPE).write_text(scope_text(world), encoding="utf-8", newline="\n")
    (DEMO / EVIDENCE).write_bytes(evidence_format.dumps(evidence))


if __name__ == "__main__":
    main()
