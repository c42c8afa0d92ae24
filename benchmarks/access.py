"""Effective access: by distinct descriptor and token, against pair by pair.

Both identities of every host × every file of every library. The rival evaluates each
identity and file for itself, as a script over Get-Acl would; it runs on a sample.
`python -m benchmarks.access [HOSTS LIBRARIES FILES]`
"""

from __future__ import annotations

import itertools
import json
import resource
import sys
import time
from dataclasses import replace

from tests import worlds
from tests.simulate import simulate
from tests.worlds import Group, Host, World, cifs
from vmmaudit import questions
from vmmaudit.facts import AccountFact, Facts, Principal, TokenFact, decode
from vmmaudit.readiness import Chain
from vmmaudit.windows import descriptor as descriptors
from vmmaudit.windows.access import READ, check

SAMPLE = 20


def world(hosts: int, libraries: int, files: int) -> World:
    """A conforming site of that size; five hosts are missing from the group."""
    names = [f"H{number:05}" for number in range(hosts)]
    servers = [f"LIB{number:03}" for number in range(libraries)]
    targets = tuple(spn for server in servers for spn in cifs(server))
    good = worlds.conforming()
    isos = tuple(f"i{number}.iso" for number in range(files))
    return replace(
        good,
        hosts=tuple(Host(name, delegate_to=targets) for name in names),
        libraries=tuple(worlds._library(server, isos) for server in servers),
        groups=(Group("GG_HyperV_Hosts", "global", tuple(names[:-5])), *good.groups[1:]),
    )


def pair_by_pair(facts: Facts) -> tuple[int, float]:
    """The rival, on the first hosts: evaluations done, and seconds."""
    chain = Chain(facts)
    scope = facts.scope
    prepared = []
    for host, library in itertools.product(scope.hosts[:SAMPLE], scope.libraries):
        server, share = facts.server(library), library.share_name
        for who in (facts.host(host), facts.account(host)):
            principal = who.principal if isinstance(who, AccountFact) else who
            assert isinstance(principal, Principal)
            token = chain.access.token(principal, library)
            tree = facts.servers.tree(library)
            assert isinstance(token, TokenFact)
            raw = [
                facts.evidence.answers[questions.descriptor(server, share, item.path)]
                for item in getattr(tree, "items", ())
                if item.is_iso
            ]
            prepared.append((token.token, [a.rows[0].first("descriptor") or b"" for a in raw]))
    began = time.perf_counter()
    done = 0
    for token, data in prepared:
        for packed in data:
            check(descriptors.decode(packed), token, READ)
            done += 1
    return done, time.perf_counter() - began


def by_distinct(facts: Facts) -> tuple[int, float]:
    """Ours, on everything: the evaluations that the rival would need, and seconds."""
    chain = Chain(facts)
    began = time.perf_counter()
    for host, library in itertools.product(facts.scope.hosts, facts.scope.libraries):
        chain.reads(host, library)
        chain.links(host, library)
    seconds = time.perf_counter() - began
    files = sum(
        len(group.items)
        for library in facts.scope.libraries
        for group in facts.servers.file_groups(library)
    )
    return 2 * files * len(facts.scope.hosts), seconds


def main(hosts: int = 500, libraries: int = 5, files: int = 200) -> None:
    """Print one JSON line."""
    facts = decode(*simulate(world(hosts, libraries, files)))
    naive, naive_seconds = pair_by_pair(facts)
    ours, seconds = by_distinct(decode(facts.evidence, facts.scope))
    ratio = (naive_seconds / naive) / (seconds / ours)
    row = {
        "what": f"effective access, {hosts} hosts x {libraries} libraries x {files} files",
        "rival": "pair by pair",
        "seconds": round(seconds, 3),
        "rival seconds (extrapolated)": round(naive_seconds / naive * ours, 1),
        "ratio": round(ratio, 1),
        "wanted": ">= 100",
        "peak MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
