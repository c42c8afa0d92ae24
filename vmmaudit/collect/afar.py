"""Collecting by workers that stand where the servers can be reached.

A target is sent as plain values, read by a wire that the worker makes itself, and comes back as
partial evidence. Any `concurrent.futures` executor carries it: threads, processes, a cluster. No
secret travels, only its reference; the worker resolves it.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Future,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from vmmaudit import __version__, questions
from vmmaudit import evidence as evidence_format
from vmmaudit.collect.credentials import UNUSABLE
from vmmaudit.collect.errand import Errand, read
from vmmaudit.collect.gather import (
    INTERRUPTED,
    Interruption,
    Progress,
    Report,
    everything,
    follow,
    trouble,
)
from vmmaudit.collect.journal import Journal
from vmmaudit.collect.merge import merge, under
from vmmaudit.collect.plan import Target
from vmmaudit.collect.unchanged import Earlier
from vmmaudit.collect.workers import Workers
from vmmaudit.evidence import Answer, Evidence, Gap, Origin, Question, Reason
from vmmaudit.scope import Authentication, Domain, Scope, nearest

_PATIENCE: Final = 60.0
"""Seconds for which a site may be without any worker."""
_LOOK: Final = 5.0
"""Seconds between looking whether it is."""


def collect(
    scope: Scope,
    workers: Workers,
    origin: Origin,
    report: Report = lambda progress: None,
    interruption: Interruption | None = None,
    journal: Journal | None = None,
    earlier: Earlier | None = None,
) -> Evidence:
    """As `gather.collect`, read by workers.

    Progress is told, and the journal written, when a target is finished. An interruption does not
    wait for what workers are reading just then.

    Args:
        scope: what is asked for.
        workers: who reads, made ready for this scope.
        origin: who began the collection, when, and where; the header of the evidence.
        report: is told of each target.
        interruption: ends the collection.
        journal: what it knows is not asked for again, and it is given the answers.
        earlier: evidence that the permissions of unchanged files are taken from.
    """
    ending = interruption or Interruption()
    run = _Afar(scope, workers, origin, report, ending, journal, earlier)
    # In a thread of its own, so that Ctrl-C comes between no two steps of it.
    with ThreadPoolExecutor(1, thread_name_prefix="afar") as pool:
        whole = pool.submit(everything, scope, run)
        while True:
            try:
                while not wait({whole}, timeout=0.2).done:
                    pass
                break
            except KeyboardInterrupt:
                ending.request()
        return whole.result()


class _Afar:
    """Implements `gather.Run`: each target is one errand."""

    def __init__(
        self,
        scope: Scope,
        workers: Workers,
        origin: Origin,
        report: Report,
        interruption: Interruption,
        journal: Journal | None,
        earlier: Earlier | None,
    ) -> None:
        self._scope = scope
        self._workers = workers
        self._report = report
        self._interruption = interruption
        self._journal = journal
        self._earlier = earlier.by_server() if earlier else {}
        self._earlier_digest = earlier.digest if earlier else ""
        self._run = f"{origin.moment.isoformat()} {origin.machine} {time.monotonic_ns()}"
        self._known: dict[str, dict[Question, Answer]] = {}
        for question, answer in (journal.known if journal else {}).items():
            self._known.setdefault(question.server, {})[question] = answer
        self._refused: dict[Authentication, Gap] = {}
        self._tried: set[Authentication] = set()
        self._parts: list[Evidence] = []
        self.evidence = Evidence(origin)
        """What is known by now."""

    def side_by_side(self, targets: Iterable[Target]) -> None:
        """Send the errands, and wait for all of them."""
        for group in self._groups(list(targets)):
            self._together(group)
            origin = self.evidence.origin
            parts, self._parts = self._parts, []
            self.evidence = under(merge(self.evidence, *parts), origin)

    def _groups(self, targets: Sequence[Target]) -> Iterator[Sequence[Target]]:
        """A password is first tried at one domain alone, and not by all workers at once.

        Accounts are locked after a few failures.
        """
        first: dict[Authentication, Target] = {}
        for target in targets:
            auth = self._auth(target)
            if auth.secret not in ("sso", "ccache") and auth not in self._tried:
                first.setdefault(auth, target)
        self._tried |= first.keys()
        if first:
            yield list(first.values())
            self._refused |= dict(self._refusals())
        yield [target for target in targets if target not in first.values()]

    def _refusals(self) -> Iterator[tuple[Authentication, Gap]]:
        for domain in self._scope.domains:
            gap = self.evidence.gaps.get(questions.domain_object(domain.name))
            refused = gap is not None and gap.reason is Reason.AUTHENTICATION_FAILED
            # Another worker may have a password where this one found none.
            if gap and refused and not gap.text.startswith(UNUSABLE):
                yield domain.auth, replace(gap, by=None)

    def _auth(self, target: Target) -> Authentication:
        return self._domain(target.name).auth

    def _domain(self, name: str) -> Domain:
        domains = self._scope.domains
        return next((d for d in domains if d.name == name), nearest(domains, name))

    def _together(self, targets: Iterable[Target]) -> None:
        waiting: dict[Future[bytes], Target] = {}
        for target in targets:
            refused = self._refused.get(self._auth(target))
            if self._interruption.requested:
                self._without(target, INTERRUPTED)
            elif refused:
                self._without(target, refused)
            else:
                waiting[self._sent(target)] = target
        missed: dict[str, float] = {}
        looked = time.monotonic()
        while waiting:
            done, _ = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in done:
                self._received(waiting.pop(future), future)
            if self._interruption.requested:
                self._leave(waiting, lambda target: INTERRUPTED)
            elif time.monotonic() - looked > _LOOK:
                looked = time.monotonic()
                self._look_for_the_deserted(waiting, missed, looked)

    def _look_for_the_deserted(
        self, waiting: dict[Future[bytes], Target], missed: dict[str, float], now: float
    ) -> None:
        """Nobody comes back for what was sent to a site whose last worker has gone."""
        by_site: dict[str, dict[Future[bytes], Target]] = {}
        for future, target in waiting.items():
            by_site.setdefault(self._scope.site_of(target.name), {})[future] = target
        for site, its in by_site.items():
            if not self._workers.deserted(site):
                missed.pop(site, None)
            elif now - missed.setdefault(site, now) >= _PATIENCE:
                for future in list(its):
                    waiting.pop(future)
                self._leave(its, lambda target: _lost(target, "there is none left at its site"))

    def _leave(self, waiting: dict[Future[bytes], Target], why: Callable[[Target], Gap]) -> None:
        """Do not wait for these; what they would have asked first is a gap."""
        while waiting:
            future, target = waiting.popitem()
            if future.cancel() or not future.done():
                self._without(target, why(target))
            else:  # it came back just now
                self._received(target, future)

    def _sent(self, target: Target) -> Future[bytes]:
        known = Evidence(self.evidence.origin, self._known.get(target.name, {}))
        earlier = self._earlier.get(target.name)
        errand = Errand(
            self._run,
            target,
            self._scope.domains,
            evidence_format.dumps(known) if known.answers else b"",
            evidence_format.dumps(earlier) if earlier else b"",
            self._earlier_digest,
        )
        executor = self._workers.executor(self._scope.site_of(target.name))
        try:
            return executor.submit(read, errand)
        except Exception as error:  # it broke before; to be looked at with those who came back
            failed: Future[bytes] = Future()
            failed.set_exception(error)
            return failed

    def _received(self, target: Target, future: Future[bytes]) -> None:
        try:
            told = io.BytesIO(future.result())
            part = evidence_format.read(told, f"the evidence of {target.name}")
        except KeyboardInterrupt:  # a process of this terminal was told, too
            self._interruption.request()
            self._without(target, INTERRUPTED)
            return
        except (BrokenExecutor, CancelledError, ModuleNotFoundError) as error:
            self._without(target, _lost(target, type(error).__name__))
            return
        except Exception as error:
            # What a cluster says of itself: a worker that died, a connection that broke.
            if type(error).__module__.partition(".")[0] != "distributed":
                raise
            self._without(target, _lost(target, type(error).__name__))
            return
        if part.origin.tool != self.evidence.origin.tool:  # one that came later
            why = f"{part.origin.machine} has {part.origin.tool}, this machine {__version__}"
            self._without(target, _lost(target, why))
            return
        self._took(target, part)

    def _without(self, target: Target, gap: Gap) -> None:
        """What the plan would have asked first, as gaps."""
        gaps = {question: gap for question, _ in follow(target, lambda batch: [gap] * len(batch))}
        self._took(target, Evidence(self.evidence.origin, {}, gaps))

    def _took(self, target: Target, part: Evidence) -> None:
        part = under(part, self.evidence.origin)
        self._parts.append(part)
        if self._journal:
            self._journal.keep(part.answers)
        gaps = part.gaps.values()
        count = len(part.answers) + len(part.gaps)
        self._report(Progress(target.name, count, len(gaps), done=True, problem=trouble(gaps)))


def _lost(target: Target, why: str) -> Gap:
    return Gap(
        Reason.INTERRUPTED,
        f"The worker that was to ask {target.name} did not finish ({why}).",
        datetime.now(UTC).replace(microsecond=0),
    )
