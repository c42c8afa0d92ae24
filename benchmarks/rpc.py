"""Thirty live members, all that is asked of a host and library by RPC, on links of 20 ms.

Against the same, one member after the other. Before each member stands a relay, which delays
and counts the connections. Needs the lab:
`python -m tests.lab exec -- python -m benchmarks.rpc [MEMBERS]`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from benchmarks.measure import busy, left_out, row, seconds
from benchmarks.relay import delayed, found_at
from tests.lab import build, machine
from tests.lab.descriptors import attribute
from tests.lab.lab import Lab
from tests.lab.recipe import Machine
from tests.live.collecting import log_on
from tests.worlds import BOTH, DOMAIN, FULL, SHARE, WELL_KNOWN, Ace, Descriptor
from vmmaudit import questions
from vmmaudit.collect import gather
from vmmaudit.collect.live import Live
from vmmaudit.evidence import Answer, Evidence, Gap, Origin, Question, Reason
from vmmaudit.scope import Domain, Scope, parse

MILLISECONDS: Final = 20
CONNECTIONS: Final = 1
"""To one server, never more."""
_ROOT: Final = Descriptor((Ace(r"BUILTIN\Administrators", FULL, flags=BOTH),))
_BY_RPC: Final = ("srvsvc.", "samr.", "svcctl.", "winreg.", "lsa.", "smb.share")


class Servers:
    """The live wire without the directory, so that nothing but servers is asked."""

    def __init__(self, domains: Sequence[Domain]) -> None:
        self._live = Live(domains)

    @property
    def origin(self) -> Origin:
        """That of the live wire."""
        return self._live.origin

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        """As the live wire does."""
        of_servers = [one for one in asked if one.kind != questions.SEARCH]
        told = dict(zip(of_servers, self._live.ask(of_servers), strict=True))
        silent = Gap(Reason.NOT_ASKED, "This is about servers.", self.origin.moment)
        return [told.get(one, silent) for one in asked]

    def close(self) -> None:
        """End all sessions."""
        self._live.close()


def main(count: int = 30) -> None:
    """Print the row, or say that there is no lab."""
    if "VMMAUDIT_LAB" not in os.environ:
        left_out("RPC questions to live members", "no lab")
        return
    lab = Lab.current()
    with ThreadPoolExecutor(2) as pool:
        members = list(pool.map(_member, range(1, count + 1)))
    log_on(lab, "auditadmin")
    scope = _scope(members)
    links = {_address(100 + number): one for number, one in enumerate(members, 101)}
    for address in links:
        _add(address)
    servers = {link: one.address for link, one in links.items()}
    at_once = gather.TARGETS_AT_ONCE
    with found_at({one.fqdn: address for address, one in links.items()}):
        with delayed(0, servers):
            _collected(scope)  # whoever is asked first waits until Samba has started its services
        with delayed(MILLISECONDS, servers) as relays:
            own, everybody = time.process_time(), busy()
            mine, answers = _collected(scope)
            own, everybody = time.process_time() - own, busy() - everybody
        gather.TARGETS_AT_ONCE = 1
        with delayed(MILLISECONDS, servers):
            theirs, others = _collected(scope)
    assert answers == others, (answers, others)
    cores = os.cpu_count() or 1
    most = max(seen.most for seen in relays.seen.values())
    assert most <= CONNECTIONS, relays.seen
    row(
        f"{len(members)} live members, {answers.total()} answers by RPC, "
        f"round trip of {MILLISECONDS} ms",
        "one member after the other",
        ">= 8",
        theirs / mine,
        mine,
        theirs,
        note=f"{at_once} members at a time; through relays, which counted at most {most} "
        f"connection to a member at once, {max(seen.all for seen in relays.seen.values())} in all",
        shortfall=f"members, relays and who asks share {cores} cores here, which worked for "
        f"{everybody:.3g} s, {own:.2g} s of them for who asks: {everybody / cores / mine:.0%} of "
        "what there was in that time",
        connections=most,
    )


def _member(number: int) -> Machine:
    """A Samba server that has joined the domain, with a library share."""
    one = Machine(f"member{number:02}", _address(100 + number), "member")
    _add(one.address)
    machine.write_files(one)
    share = one.home / "shares" / SHARE
    share.mkdir(parents=True)
    os.setxattr(share, "user.NTACL", attribute(_ROOT, WELL_KNOWN.__getitem__))
    conf = f"[{SHARE}]\n    path = {share}\n    read only = no\n"
    (one.home / "etc/shares.conf").write_text(conf, encoding="utf-8")
    build.join(one, machine.anchor(one))
    return one


def _address(number: int) -> str:
    return f"10.53.57.{number}"


def _add(address: str) -> None:
    subprocess.run(["ip", "address", "add", f"{address}/24", "dev", "lo"], check=True)


def _scope(members: Sequence[Machine]) -> Scope:
    hosts = "\n".join(f"  - name: {one.fqdn}" for one in members)
    libraries = "\n".join(rf"  - share: \\{one.fqdn}\{SHARE}" for one in members)
    return parse(
        f"""\
format: 1
audit: {{title: Benchmark, client: Contoso, period: {{from: 2026-07-01, to: 2026-09-30}}}}
people: [{{role: auditor, name: Jana Müller}}]
domains:
  - name: {DOMAIN}
    auth: {{secret: ccache}}
hosts:
{hosts}
libraries:
{libraries}
""",
        "scope.yaml",
    )


def _collected(scope: Scope) -> tuple[float, Counter[str]]:
    """Seconds of a collection, and how many RPC questions of each kind were answered."""
    found: list[Evidence] = []
    wire = Servers(scope.domains)

    def collect() -> None:
        found.append(gather.collect(scope, wire))
        wire.close()

    taken = seconds(collect)
    kinds = Counter(one.kind for one in found[0].answers if one.kind.startswith(_BY_RPC))
    assert kinds, found[0].gaps
    return taken, kinds


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
