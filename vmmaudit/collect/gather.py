"""Runs the plans of all targets side by side and puts their replies together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final, Protocol

from vmmaudit import questions
from vmmaudit.collect import plan
from vmmaudit.collect.plan import Target
from vmmaudit.collect.wire import Wire
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Evidence, Gap, Question, Reason
from vmmaudit.facts.services import Services
from vmmaudit.scope import Scope
from vmmaudit.windows.sid import domain_of, sid_from_bytes

TARGETS_AT_ONCE: Final = 32
INTERRUPTED: Final = Gap(Reason.INTERRUPTED, "The run was interrupted before this was asked.")


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
    return everything(scope, _Here(wire, report, interruption or Interruption()))


class Run(Protocol):
    """One collection: what it knows so far, and a way to follow plans, here or elsewhere."""

    @property
    def evidence(self) -> Evidence:
        """What is known by now."""
        ...

    def side_by_side(self, targets: Iterable[Target]) -> None:
        """Follow the plans, and wait for all of them."""
        ...


def everything(scope: Scope, run: Run) -> Evidence:
    """The targets of a scope, then whatever else their answers lead to."""
    run.side_by_side(plan.targets(scope))
    known = run.evidence
    asked = {*known.answers, *known.gaps}
    unknown = [one for one in plan.started(scope, Services(known)) if one not in asked]
    run.side_by_side(
        Target(domain.name, plan.accounts, (domain.name, its))
        for domain in scope.domains
        if (its := [question for question in unknown if question.server == domain.name])
    )
    answers = run.evidence.answers
    run.side_by_side([*plan.replicas(scope, answers, unknown), *_names(scope, answers)])
    return run.evidence


def _names(scope: Scope, answers: Mapping[Question, Answer]) -> Iterator[Target]:
    """Who is behind the SIDs that servers mention: their domain tells, else the server itself."""
    by_server: dict[str, list[tuple[Question, Answer]]] = {}
    for question, answer in answers.items():
        by_server.setdefault(question.server, []).append((question, answer))
    mentioned = {server: plan.named_sids(found) for server, found in by_server.items()}
    known = set().union(*mentioned.values())
    domains = {domain.name: _sid_of(answers, domain.name) for domain in scope.domains}
    for domain, sid in domains.items():
        if sid:
            yield Target(domain, plan.names, (domain, plan.of_domain(known, sid)))
    for server, sids in sorted(mentioned.items()):
        foreign = {sid for sid in sids if domain_of(sid) not in domains.values()}
        if foreign:
            yield Target(server, plan.local_names, (server, foreign))


def follow(
    target: Target,
    ask: Callable[[list[Question]], list[Answer | Gap]],
    report: Report = lambda progress: None,
) -> Iterator[tuple[Question, Answer | Gap]]:
    """Every question of a target's plan with its reply, as soon as there is one."""
    steps = target.plan()
    replies = gaps = 0
    problem = ""
    try:
        batch = next(steps)
        while True:
            received = ask(batch) if batch else []
            yield from zip(batch, received, strict=True)
            replies += len(received)
            refused = [reply for reply in received if isinstance(reply, Gap)]
            gaps += len(refused)
            problem = problem or trouble(refused)
            report(Progress(target.name, replies, gaps, done=False, problem=problem))
            batch = steps.send(received)
    except StopIteration:
        report(Progress(target.name, replies, gaps, done=True, problem=problem))


def trouble(gaps: Iterable[Gap]) -> str:
    """The first gap's sentence; what this tool cannot ask is no trouble of the target's."""
    ours = (Reason.NOT_SUPPORTED, Reason.NOT_ASKED)
    return next((gap.text for gap in gaps if gap.reason not in ours), "")


class _Here:
    """Each target is worked on by one thread at a time; all of them ask one wire."""

    def __init__(self, wire: Wire, report: Report, interruption: Interruption) -> None:
        self._wire = wire
        self._report = report
        self._interruption = interruption
        self._answers: dict[Question, Answer] = {}
        self._gaps: dict[Question, Gap] = {}

    @property
    def evidence(self) -> Evidence:
        """What is known by now."""
        return Evidence(self._wire.origin, self._answers, self._gaps)

    def side_by_side(self, targets: Iterable[Target]) -> None:
        """Follow the plans, and wait for all of them."""
        with ThreadPoolExecutor(TARGETS_AT_ONCE, thread_name_prefix="collect") as pool:
            waiting: set[Future[None]] = {pool.submit(self._run, target) for target in targets}
            while waiting:
                try:
                    done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                except KeyboardInterrupt:
                    self._interruption.request()
                    self._wire.close()
                    continue
                for future in done:
                    future.result()

    def _run(self, target: Target) -> None:
        for question, reply in follow(target, self._ask, self._report):
            if isinstance(reply, Gap):
                self._gaps[question] = reply
            else:
                self._answers[question] = reply

    def _ask(self, batch: list[Question]) -> list[Answer | Gap]:
        if self._interruption.requested:
            return [INTERRUPTED] * len(batch)
        return self._wire.ask(batch)


def _sid_of(answers: Mapping[Question, Answer], domain: str) -> str | None:
    answer = answers.get(questions.domain_object(domain))
    data = answer.rows[0].first("objectSid") if answer and answer.rows else None
    try:
        return sid_from_bytes(data) if data else None
    except FormatError:
        return None
