"""Runs the plans of all targets side by side and puts their replies together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

from vmmaudit import questions
from vmmaudit.collect import plan
from vmmaudit.collect.wire import Wire
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Evidence, Gap, Question, Reason
from vmmaudit.facts.services import Services
from vmmaudit.scope import Scope
from vmmaudit.windows.sid import domain_of, sid_from_bytes

TARGETS_AT_ONCE: Final = 16
_INTERRUPTED: Final = Gap(Reason.INTERRUPTED, "The run was interrupted before this was asked.")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one target is: replies so far, gaps among them, the first one's sentence."""

    target: str
    replies: int
    gaps: int
    done: bool
    problem: str = ""


Report = Callable[[Progress], None]


class Interruption:
    """Whether somebody wants the run to end; what is known by then is kept."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def request(self) -> None:
        """Ask for the end."""
        self._event.set()

    @property
    def requested(self) -> bool:
        """Whether the end was asked for."""
        return self._event.is_set()


def collect(
    scope: Scope,
    wire: Wire,
    report: Report = lambda progress: None,
    interruption: Interruption | None = None,
) -> Evidence:
    """Ask everything that the scope needs, and return what came back.

    A server that does not answer costs its own gaps and nothing else. Ctrl-C (or a requested
    interruption) ends the asking; what was not asked by then becomes a gap.
    """
    run = _Run(wire, report, interruption or Interruption())
    servers = {questions.file_server(scope, library) for library in scope.libraries}
    servers |= {questions.host_server(scope, host) for host in scope.hyper_v_hosts}
    servers |= {questions.vmm_server(scope, vmm) for vmm in scope.vmm}
    run.side_by_side(
        [
            *((domain.name, plan.domain(scope, domain.name)) for domain in scope.domains),
            *((name, plan.server(scope, name)) for name in sorted(servers)),
        ]
    )
    services = Services(Evidence(wire.origin, run.answers, run.gaps))
    unknown = [asked for asked in plan.started(scope, services) if not run.has_asked(asked)]
    run.side_by_side(
        (domain.name, plan.accounts(domain.name, asked))
        for domain in scope.domains
        if (asked := [question for question in unknown if question.server == domain.name])
    )
    run.side_by_side(
        [*plan.replicas(scope, dict(run.answers), unknown), *_names(scope, run.answers)]
    )
    return Evidence(wire.origin, run.answers, run.gaps)


def _names(scope: Scope, answers: dict[Question, Answer]) -> Iterator[tuple[str, plan.Plan]]:
    """Who is behind the SIDs that servers mention: their domain tells, else the server itself."""
    by_server: dict[str, list[tuple[Question, Answer]]] = {}
    for question, answer in answers.items():
        by_server.setdefault(question.server, []).append((question, answer))
    mentioned = {server: plan.named_sids(found) for server, found in by_server.items()}
    known = set().union(*mentioned.values())
    domains = {domain.name: _sid_of(answers, domain.name) for domain in scope.domains}
    for domain, sid in domains.items():
        if sid:
            yield domain, plan.names(domain, plan.of_domain(known, sid))
    for server, sids in sorted(mentioned.items()):
        foreign = {sid for sid in sids if domain_of(sid) not in domains.values()}
        if foreign:
            yield server, plan.local_names(server, foreign)


class _Run:
    """Replies of one collection; each target is worked on by one thread at a time."""

    def __init__(self, wire: Wire, report: Report, interruption: Interruption) -> None:
        self.wire = wire
        self.report = report
        self.interruption = interruption
        self.answers: dict[Question, Answer] = {}
        self.gaps: dict[Question, Gap] = {}

    def has_asked(self, question: Question) -> bool:
        """Whether there is a reply already."""
        return question in self.answers or question in self.gaps

    def side_by_side(self, targets: Iterable[tuple[str, plan.Plan]]) -> None:
        """Run the plans, and wait for all of them."""
        with ThreadPoolExecutor(TARGETS_AT_ONCE, thread_name_prefix="collect") as pool:
            waiting: set[Future[None]] = {
                pool.submit(self._run, name, steps) for name, steps in targets
            }
            while waiting:
                try:
                    done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                except KeyboardInterrupt:
                    self.interruption.request()
                    self.wire.close()
                    continue
                for future in done:
                    future.result()

    def _run(self, name: str, steps: plan.Plan) -> None:
        replies = gaps = 0
        problem = ""
        try:
            batch = next(steps)
            while True:
                received = self._ask(batch)
                for question, reply in zip(batch, received, strict=True):
                    if isinstance(reply, Gap):
                        self.gaps[question] = reply
                    else:
                        self.answers[question] = reply
                replies += len(received)
                refused = [reply for reply in received if isinstance(reply, Gap)]
                gaps += len(refused)
                # What this tool cannot ask is no trouble of the target's.
                troubles = [gap.text for gap in refused if gap.reason is not Reason.NOT_SUPPORTED]
                problem = problem or next(iter(troubles), "")
                self.report(Progress(name, replies, gaps, done=False, problem=problem))
                batch = steps.send(received)
        except StopIteration:
            self.report(Progress(name, replies, gaps, done=True, problem=problem))

    def _ask(self, batch: list[Question]) -> list[Answer | Gap]:
        if not batch:
            return []
        if self.interruption.requested:
            return [_INTERRUPTED] * len(batch)
        return self.wire.ask(batch)


def _sid_of(answers: dict[Question, Answer], domain: str) -> str | None:
    answer = answers.get(questions.domain_object(domain))
    data = answer.rows[0].first("objectSid") if answer and answer.rows else None
    try:
        return sid_from_bytes(data) if data else None
    except FormatError:
        return None
