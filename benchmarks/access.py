"""Effective access: by distinct descriptor and token, against pair by pair.

Both identities of every host × every file of every library. The rival evaluates each
identity and file for itself, as a script over Get-Acl would; it runs on a sample.
`python -m benchmarks.access [HOSTS LIBRARIES FILES DISTINCT]`
"""

from __future__ import annotations

import itertools
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.measure import growth, row
from tests import worlds
from tests.simulate import simulate
from tests.worlds import FILE_ACL, Ace, Descriptor, Group, Host, Library, World, cifs
from vmmaudit import questions
from vmmaudit.facts import AccountFact, Facts, Missing, Principal, TokenFact, decode
from vmmaudit.readiness import Chain
from vmmaudit.windows import descriptor as descriptors
from vmmaudit.windows.access import READ, check

SAMPLE = 4


def world(hosts: int, libraries: int, files: int, distinct: int = 1) -> World:
    """A conforming site of that size; five hosts are missing from the group.

    The files of a library have so many distinct descriptors, of which all say the same.
    """
    names = [f"H{number:05}" for number in range(hosts)]
    servers = [f"LIB{number:03}" for number in range(libraries)]
    targets = tuple(spn for server in servers for spn in cifs(server))
    good = worlds.conforming()
    isos = tuple(f"i{number}.iso" for number in range(files))
    acls = [replace(FILE_ACL, aces=(*(FILE_ACL.aces or ()), more)) for more in _harmless(distinct)]
    return replace(
        good,
        hosts=tuple(Host(name, delegate_to=targets) for name in names),
        libraries=tuple(_with(acls, worlds._library(server, isos)) for server in servers),
        groups=(Group("GG_HyperV_Hosts", "global", tuple(names[:-5])), *good.groups[1:]),
    )


def _harmless(count: int) -> list[Ace]:
    """ACEs that differ, for somebody whom an ACE before them gives everything."""
    return [Ace(r"BUILTIN\Administrators", number, flags=0x10) for number in range(1, count + 1)]


def _with(acls: Sequence[Descriptor], library: Library) -> Library:
    (share,) = library.shares
    items = (
        item if item.size is None else replace(item, descriptor=acls[number % len(acls)])
        for number, item in enumerate(share.items)
    )
    return replace(library, shares=(replace(share, items=tuple(items)),))


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

    def evaluate() -> int:
        done = 0
        for token, data in prepared:
            for packed in data:
                check(descriptors.decode(packed), token, READ)
                done += 1
        return done

    return _processor(evaluate)


def _processor(work: Callable[[], int]) -> tuple[int, float]:
    """What it counted, and the seconds of the processor, since one core does all of it."""
    began = time.process_time()
    counted = work()
    return counted, time.process_time() - began


def by_distinct(facts: Facts) -> tuple[int, float]:
    """Ours, on everything: the evaluations that the rival would need, and seconds."""
    chain = Chain(facts)

    def evaluate() -> int:
        for host, library in itertools.product(facts.scope.hosts, facts.scope.libraries):
            chain.reads(host, library)
            chain.links(host, library)
        return (
            2
            * len(facts.scope.hosts)
            * sum(
                len(group.items)
                for library in facts.scope.libraries
                for group in facts.servers.file_groups(library)
            )
        )

    return _processor(evaluate)


def main(hosts: int = 5000, libraries: int = 20, files: int = 2000, distinct: int = 100) -> None:
    """Print the row, and how it grows with files, descriptors and hosts."""
    facts = decode(*simulate(world(hosts, libraries, files, distinct)))
    naive, naive_seconds = pair_by_pair(facts)
    ours, seconds = by_distinct(decode(facts.evidence, facts.scope))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    distinct = {
        group.descriptor.digest
        for library in facts.scope.libraries
        for group in facts.servers.file_groups(library)
        if not isinstance(group.descriptor, Missing)
    }
    row(
        f"effective access, {hosts:,} hosts x {libraries} libraries x {files:,} files, two "
        "identities",
        "pair by pair",
        ">= 100",
        (naive_seconds / naive) / (seconds / ours),
        seconds,
        naive_seconds / naive * ours,
        note=f"{ours:,} evaluations, of which the rival made {naive:,} (extrapolated); seconds of "
        f"one core; {len(distinct)} distinct descriptors; peak memory of the whole process, the "
        f"evidence included: {peak:,} MiB",
        **{"peak MiB": peak},
    )
    by_files = {count: _least(200, 5, count) for count in (20, 200, 2000)}
    growth("effective access, by files of a library", "files", by_files)
    by_distinct_ones = {count: _least(200, 5, 2000, count) for count in (20, 200, 2000)}
    growth("effective access, by distinct descriptors", "descriptors", by_distinct_ones)
    by_hosts = {count: _least(count, 5, 20) for count in (50, 500, 5000)}
    growth("effective access, by hosts", "hosts", by_hosts)


def _least(*size: int) -> float:
    evidence, scope = simulate(world(*size))
    return min(by_distinct(decode(evidence, scope))[1] for _ in range(3))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
