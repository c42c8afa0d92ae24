"""Audits of what servers and directories tell now; nothing is ever changed there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from vmmaudit import pack as packs
from vmmaudit import scope as scope_format
from vmmaudit.audit.audit import Audit
from vmmaudit.audit.opening import stored_scope
from vmmaudit.errors import UsageError
from vmmaudit.evidence import Evidence

if TYPE_CHECKING:
    from vmmaudit.collect.discovery import Discovery
    from vmmaudit.collect.doctor import Check, Examination
    from vmmaudit.collect.gather import Interruption, Report
    from vmmaudit.collect.unchanged import Earlier
    from vmmaudit.collect.wire import Wire

Prompt: TypeAlias = Callable[[str], str]
"""Asks a question, and returns what was typed."""


def collected(
    scope: Path,
    report: Report | None = None,
    interruption: Interruption | None = None,
    prompt: Prompt | None = None,
    imports: Path | None = None,
    *,
    offline: bool = False,
    journal: Path | None = None,
    resume: bool = False,
    executor: Executor | Mapping[str, Executor] | str | None = None,
    incremental: Path | None = None,
) -> Audit:
    """Collect the evidence for a scope now.

    Args:
        scope: the scope file.
        report: is told how far each target is.
        interruption: ends the run and keeps what was read by then.
        prompt: asks for a password.
        imports: a folder of exports that answer what the servers refuse.
        offline: ask no server at all; needs `imports`.
        journal: the folder in which to write down what was answered so far. The file is the
            audit's `journal`; whoever has written the pack deletes it.
        resume: go on where an unfinished run of this scope was, if its journal is there.
        executor: who reads instead of this machine: any `concurrent.futures` executor, one for
            each site of the scope by name, or the address of a Dask cluster (`tls://host:port`).

        incremental: an earlier pack; what is known of files that have not changed since is taken
            from it, and marked so.

    Raises:
        ImportsError: a file that was handed over cannot be used.
        PackError: there is no such earlier pack, or it was changed.
        UsageError: the executor cannot read this scope; nothing was asked then.
    """
    from vmmaudit.collect import afar
    from vmmaudit.collect import journal as journals
    from vmmaudit.collect.gather import collect
    from vmmaudit.collect.journal import Journal
    from vmmaudit.collect.live import Live
    from vmmaudit.collect.offline import Fallback, Offline
    from vmmaudit.collect.replay import Replay
    from vmmaudit.collect.unchanged import Unchanged
    from vmmaudit.collect.workers import ready

    if executor is not None and (imports or offline):
        raise UsageError("Exports are read on this machine; give either --imports or --executor.")
    if incremental and offline:
        raise UsageError("--offline reads no files; leave out --incremental.")
    text, loaded = stored_scope(scope)
    before = _earlier(incremental) if incremental else None
    handed = Offline(imports, loaded) if imports else None
    wire: Wire
    if offline:
        if handed is None:
            raise UsageError("--offline asks no server; name the exports with --imports FOLDER.")
        wire = handed
    else:
        live = Live(loaded.domains, prompt)
        wire = Fallback(live, handed) if handed else live
        if executor is not None:  # this machine asks nobody
            wire = Replay(Evidence(live.origin))
    kept = None
    written: Journal | None = None
    told = report or (lambda progress: None)
    with ExitStack() as stack:
        workers = stack.enter_context(ready(loaded, executor)) if executor is not None else None
        if journal and not offline:
            journals.clear(journal, scope.stem)
            kept = journals.path_in(journal, scope.stem, wire.origin.moment)
            left = journals.unfinished(journal, scope.stem, loaded.digest()) if resume else None
            wire = written = Journal(wire, kept, loaded.digest(), left[1] if left else {})
            if left:
                left[0].unlink(missing_ok=True)
        stack.callback(wire.close)
        if workers is None:
            wire = Unchanged(wire, before) if before else wire
            evidence = collect(loaded, wire, told, interruption)
        else:
            evidence = afar.collect(
                loaded, workers, wire.origin, told, interruption, written, before
            )
    return Audit(scope.stem, text, loaded, evidence, journal=kept)


def _earlier(pack: Path) -> Earlier:
    """What an earlier pack holds, unaltered, and the digest by which it will be named."""
    from vmmaudit.collect.unchanged import Earlier

    evidence = packs.read(pack).evidence()
    return Earlier(evidence, evidence.digest())


def discovery(domain: scope_format.Domain | str, prompt: Prompt | None = None) -> Discovery:
    """What the directory knows of a domain's VMM: servers, hosts, libraries.

    Args:
        domain: its DNS name, or how it is to be asked.
        prompt: asks for a password.

    Raises:
        ScopeError: the domain cannot be read.
    """
    from vmmaudit.collect.discovery import discover
    from vmmaudit.collect.live import Live

    if isinstance(domain, str):
        domain = scope_format.parse_domain({"name": domain})
    wire = Live((domain,), prompt)
    try:
        return discover(domain, wire)
    finally:
        wire.close()


def examination(scope: str | Path, prompt: Prompt | None = None) -> Examination:
    """What `vmmaudit doctor` tells, as a whole, for a notebook."""
    from vmmaudit.collect.doctor import Examination

    return Examination(tuple(examined(Path(scope), prompt)))


def examined(scope: Path, prompt: Prompt | None = None) -> Iterator[Check]:
    """What this machine and account may do at the domains and servers of a scope."""
    from vmmaudit.collect.doctor import examine
    from vmmaudit.collect.live import Live

    loaded = scope_format.load(scope)
    wire = Live(loaded.domains, prompt)
    try:
        yield from examine(loaded, wire)
    finally:
        wire.close()
