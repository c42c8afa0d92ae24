"""Targets read by workers: by any executor, in any order, with the same evidence."""

from __future__ import annotations

import io
import multiprocessing
import pickle
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.collect import test_unchanged
from tests.simulate import SimulatedWire, scope_of, scope_text, simulate
from tests.worlds import DOMAIN, MOMENT, conforming
from vmmaudit import audit, questions
from vmmaudit import evidence as evidence_format
from vmmaudit.collect import afar, errand, journal, workers
from vmmaudit.collect.gather import Interruption, Progress
from vmmaudit.collect.merge import under
from vmmaudit.collect.plan import Target
from vmmaudit.collect.unchanged import Earlier
from vmmaudit.errors import UsageError
from vmmaudit.evidence import Answer, Evidence, Gap, Origin, Question, Reader, Reason
from vmmaudit.judge import judge
from vmmaudit.scope import Authentication, Domain, Scope, Site

WORLD = conforming().with_host("HYPER03", delegate_to=())
SCOPE = scope_of(WORLD)
EXPECTED, _ = simulate(WORLD)
WORKER = Reader(EXPECTED.origin.who, "worker1")


class Far(SimulatedWire):
    """What a worker makes of its errand here: the world as seen from another machine."""

    def __init__(self, domains: Sequence[Domain], vault: object = None) -> None:
        super().__init__(WORLD, {}, MOMENT)

    @property
    def origin(self) -> Origin:
        later = super().origin.moment + timedelta(seconds=3)
        return replace(super().origin, machine=WORKER.machine, moment=later)


@pytest.fixture(autouse=True)
def _far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errand, "Live", Far)


def collected(executor: Executor | dict[str, Executor], scope: Scope = SCOPE, **more: Any):
    with workers.ready(scope, executor) as ready:
        return afar.collect(scope, ready, EXPECTED.origin, **more)


def same_answers(evidence: Evidence, expected: Evidence = EXPECTED) -> bool:
    """Whether it differs from what one machine reads by nothing but the reader."""
    replies = (*evidence.answers.values(), *evidence.gaps.values())
    assert {reply.by for reply in replies} == {WORKER}
    seen_there = replace(expected.origin, machine=WORKER.machine)
    return (
        evidence.digest() == under(replace(expected, origin=seen_there), expected.origin).digest()
    )


def test_threads():
    with ThreadPoolExecutor(4) as pool:
        assert same_answers(collected(pool))


def test_processes():
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(2, mp_context=fork) as pool:
        evidence = collected(pool)
    assert same_answers(evidence)
    assert judge(evidence, SCOPE).verdicts == judge(EXPECTED, SCOPE).verdicts


class Odd(Executor):
    """Runs what it is given in a random order, and only when nothing more comes."""

    def __init__(self, seed: int, spoil: Callable[[str], BaseException | None] = lambda name: None):
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._spoil = spoil
        self._waiting: list[tuple[Future[Any], Any, tuple[Any, ...]]] = []
        self._lock = threading.Lock()
        self.names: list[str] = []

    def submit(self, fn, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._lock:
            self._waiting.append((future, fn, args))
        timer = threading.Timer(0.05, self._run)
        timer.daemon = True
        timer.start()
        return future

    def _run(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        self._random.shuffle(waiting)
        for future, fn, args in waiting:
            if not future.set_running_or_notify_cancel():
                continue
            name = args[0].target.name if fn is errand.read else ""
            self.names.append(name)
            if problem := self._spoil(name):
                future.set_exception(problem)
            else:
                future.set_result(fn(*args))


def test_the_order_does_not_show():
    executors = [Odd(seed) for seed in range(4)]
    digests = {collected(executor).digest() for executor in executors}
    assert len({tuple(executor.names) for executor in executors}) > 1
    assert len(digests) == 1


def test_each_site_has_its_own():
    library = questions.file_server(SCOPE, SCOPE.libraries[0])
    sites = (Site(name="north", servers=(library,)), Site(name="south", servers=(f"*{DOMAIN}",)))
    scope = SCOPE.model_copy(update={"sites": sites})
    north, south = Odd(1), Odd(2)
    evidence = collected({"north": north, "south": south}, scope)
    assert same_answers(evidence)
    assert set(north.names) == {"", library}
    assert library not in south.names
    assert DOMAIN in south.names
    with pytest.raises(UsageError, match="no executor for the site 'south'"):
        collected({"north": north}, scope)


def test_a_worker_that_is_lost_costs_its_target_alone():
    library = questions.file_server(SCOPE, SCOPE.libraries[0])
    broken = Odd(1, lambda name: BrokenExecutor("gone") if name == library else None)
    evidence = collected(broken)
    gaps = {q: g for q, g in evidence.gaps.items() if q not in EXPECTED.gaps}
    assert {question.server for question in gaps} == {library}
    assert {gap.reason for gap in gaps.values()} == {Reason.INTERRUPTED}
    assert all("did not finish" in gap.text for gap in gaps.values())
    others = {q for q in EXPECTED.answers if q.server not in (library, DOMAIN)}
    assert others <= evidence.answers.keys()


def test_an_executor_that_broke_takes_nothing_more():
    class Broken(Odd):
        def submit(self, fn, /, *args: Any, **kwargs: Any) -> Future[Any]:
            if len(self.names) > 3:
                raise BrokenExecutor("gone")
            return super().submit(fn, *args, **kwargs)

    evidence = collected(Broken(1))
    assert any(question.server == DOMAIN for question in evidence.answers)
    lost = {gap.text for gap in evidence.gaps.values() if "did not finish" in gap.text}
    assert lost, "the second round was not read any more"


def test_a_mistake_of_ours_is_not_taken_for_a_lost_worker():
    with pytest.raises(ZeroDivisionError):
        collected(Odd(1, lambda name: ZeroDivisionError() if name == DOMAIN else None))


class Asleep(Executor):
    """Never begins."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def submit(self, fn, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if fn is errand.read:
            self.futures.append(future)
        else:
            future.set_result(fn(*args))
        return future


def test_an_interruption_waits_for_nobody():
    executor, interruption = Asleep(), Interruption()
    threading.Timer(0.3, interruption.request).start()
    evidence = collected(executor, interruption=interruption)
    assert not evidence.answers
    assert {gap.reason for gap in evidence.gaps.values()} == {Reason.INTERRUPTED}
    assert all(future.cancelled() for future in executor.futures)
    assert {question.server for question in evidence.gaps} >= {DOMAIN}


def test_a_process_that_ctrl_c_ended_as_well_is_an_interruption():
    library = questions.file_server(SCOPE, SCOPE.libraries[0])
    evidence = collected(Odd(1, lambda name: KeyboardInterrupt() if name == library else None))
    lost = {gap.reason for question, gap in evidence.gaps.items() if question.server == library}
    assert lost == {Reason.INTERRUPTED}


def test_a_site_without_a_worker_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    class Deserted(workers.Pool):
        def deserted(self, site: str) -> bool:
            return True

    monkeypatch.setattr(afar, "_PATIENCE", 0.2)
    monkeypatch.setattr(afar, "_LOOK", 0.05)
    evidence = afar.collect(SCOPE, Deserted(Asleep()), EXPECTED.origin)
    assert not evidence.answers
    assert all("none left at its site" in gap.text for gap in evidence.gaps.values())


def test_progress_is_told_once_for_each_target():
    told: list[Progress] = []
    with ThreadPoolExecutor(2) as pool:
        collected(pool, report=told.append)
    assert all(progress.done for progress in told)
    first = {progress.target: progress for progress in reversed(told)}
    assert first.keys() >= {DOMAIN, *(host.name for host in SCOPE.hyper_v_hosts)}
    assert sum(progress.replies for progress in told) == len(EXPECTED.answers) + len(EXPECTED.gaps)


class Guarded(Far):
    """Its domain takes no password; counts who tries one."""

    tried: ClassVar[Counter[str]] = Counter()

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        Guarded.tried[asked[0].server] += 1
        return [Gap(Reason.AUTHENTICATION_FAILED, "The password is wrong.", MOMENT)] * len(asked)


def with_secret(reference: str) -> Scope:
    auth = Authentication(user="CONTOSO\\auditor", secret=reference)
    domains = tuple(d.model_copy(update={"auth": auth}) for d in SCOPE.domains)
    return SCOPE.model_copy(update={"domains": domains})


def test_a_wrong_password_is_not_tried_by_all_workers_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(errand, "Live", Guarded)
    Guarded.tried.clear()
    with ThreadPoolExecutor(16) as pool:
        evidence = collected(pool, with_secret("env:SECRET"))
    assert set(Guarded.tried) == {DOMAIN}
    assert not evidence.answers
    refused = {gap.reason for gap in evidence.gaps.values()}
    assert refused == {Reason.AUTHENTICATION_FAILED}
    assert {q.server for q in evidence.gaps} >= {DOMAIN, *(h.name for h in SCOPE.hyper_v_hosts)}


def test_in_one_process_and_run_a_password_is_tried_once():
    errand._vaults.cache_clear()
    found = []
    threads = [threading.Thread(target=lambda: found.append(errand._vault("1"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(vault) for vault in found}) == 1
    assert errand._vault("2") is not found[0]


def test_a_prompt_is_refused_before_anything_is_sent():
    executor = Asleep()
    with pytest.raises(UsageError, match="prompted for, which a worker cannot"):
        collected(executor, with_secret("prompt"))
    assert not executor.futures


def test_no_secret_and_nothing_that_is_not_needed_travels(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECRET", "kennwort-4711")
    sent: list[bytes] = []

    class Listening(ThreadPoolExecutor):
        def submit(self, fn, /, *args: Any, **kwargs: Any) -> Future[Any]:
            sent.append(pickle.dumps(args))
            return super().submit(fn, *args, **kwargs)

    scope = with_secret("env:SECRET")
    with Listening(2) as pool:
        evidence = collected(pool, scope)
    assert same_answers(evidence, simulate(WORLD, scope=scope)[0])
    assert len(sent) > 5
    whole = b"".join(sent)
    assert b"env:SECRET" in whole
    assert b"kennwort-4711" not in whole
    assert "Jana Müller".encode() not in whole, "who signs is nobody's business there"
    of_one_host = [data for data in sent if data.count(b"hyper0") and b"hyper01." in data]
    assert any(b"hyper02." not in data for data in of_one_host)


@pytest.mark.parametrize(("version", "word"), [("9.9", "has vmmaudit 9.9"), (None, "lacks")])
def test_another_version_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, version: str | None, word: str
):
    def there(name: str) -> str:
        if version is None:
            raise metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(metadata, "version", there)
    executor = Asleep()
    with pytest.raises(UsageError, match=word):
        collected(executor)
    assert not executor.futures


def test_a_worker_of_another_version_that_comes_later_is_a_gap(monkeypatch: pytest.MonkeyPatch):
    class Old(Far):
        @property
        def origin(self) -> Origin:
            return replace(super().origin, tool="vmmaudit 9.9")

    monkeypatch.setattr(errand, "Live", Old)
    with ThreadPoolExecutor(2) as pool:
        evidence = collected(pool)
    assert not evidence.answers
    assert all("worker1 has vmmaudit 9.9" in gap.text for gap in evidence.gaps.values())


@pytest.fixture
def scope_file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "site.yaml"
    path.write_text(scope_text(WORLD), encoding="utf-8")
    return path


def test_the_job_itself(scope_file: Path, tmp_path: Path):
    with ThreadPoolExecutor(2) as pool:
        found = audit.collected(scope_file, executor=pool, journal=tmp_path / "output")
    assert found.evidence.answers.keys() == EXPECTED.answers.keys()
    assert found.evidence.origin.machine != WORKER.machine
    assert {answer.by for answer in found.evidence.answers.values()} == {WORKER}


class Counting(Far):
    """Reads now, counts what it is asked, and dies of one server."""

    asked: ClassVar[Counter[Question]] = Counter()
    deadly = ""

    def __init__(self, domains: Sequence[Domain], vault: object = None) -> None:
        super().__init__(domains)
        self.moment = datetime.now(UTC).replace(microsecond=0)

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        if asked and asked[0].server == self.deadly:
            raise SystemError("killed")
        Counting.asked.update(asked)
        return super().ask(asked)


def test_a_run_that_was_killed_goes_on(
    scope_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """With workers the journal holds whole targets."""
    monkeypatch.setattr(errand, "Live", Counting)
    monkeypatch.setattr(Counting, "deadly", questions.vmm_server(SCOPE, SCOPE.vmm[0]))
    output = tmp_path / "output"
    with ThreadPoolExecutor(1) as pool, pytest.raises(SystemError):
        audit.collected(scope_file, executor=pool, journal=output)
    left = journal.unfinished(output, "site", SCOPE.digest())
    assert left is not None
    known = left[1]
    assert {question.server for question in known} >= {DOMAIN}
    assert {answer.by for answer in known.values()} == {WORKER}
    monkeypatch.setattr(Counting, "deadly", "")
    Counting.asked.clear()
    with ThreadPoolExecutor(1) as pool:
        found = audit.collected(scope_file, executor=pool, journal=output, resume=True)
    assert not known.keys() & Counting.asked.keys(), "asked again"
    assert found.evidence.answers.keys() == EXPECTED.answers.keys()
    assert found.evidence.gaps.keys() == EXPECTED.gaps.keys()
    assert {answer.by for answer in found.evidence.answers.values()} == {WORKER}
    assert [found.journal] == list(output.iterdir())


def steps(batches: list[list[Question]]) -> Iterator[list[Question]]:
    for batch in batches:  # noqa: UP028 - a plan is sent the replies
        yield batch


def test_a_worker_takes_what_has_not_changed(monkeypatch: pytest.MonkeyPatch):
    files = test_unchanged.many(100)
    before = test_unchanged.before(files, machine="jump01")
    server = test_unchanged.Server(files, machine="worker1")
    monkeypatch.setattr(errand, "Live", lambda domains, vault: server)
    earlier = Earlier(before, before.digest())
    target = Target(test_unchanged.SERVER, steps, (test_unchanged.questions_of(server),))
    sent = evidence_format.dumps(earlier.by_server()[target.name])
    for known in (b"", evidence_format.dumps(Evidence(before.origin))):
        data = errand.read(errand.Errand("1", target, (), known, sent, earlier.digest))
        part = evidence_format.read(io.BytesIO(data), "part")
        assert len(test_unchanged.taken(part)) == 95
        readers = {answer.by for answer in part.answers.values() if answer.taken}
        assert readers == {Reader("auditor", "jump01")}
    assert earlier.by_server().keys() == {target.name}


@pytest.mark.parametrize("more", [{"imports": Path("exports")}, {"offline": True}])
def test_exports_are_read_here(scope_file: Path, more: dict[str, Any]):
    with pytest.raises(UsageError, match="either --imports or --executor"):
        audit.collected(scope_file, executor=Asleep(), **more)
