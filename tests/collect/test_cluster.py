"""A Dask cluster as the executor: who may join, who reads what, and what goes wrong."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import dask.config
import pytest
from distributed import LocalCluster
from distributed.security import Security

from tests.collect.test_afar import EXPECTED, SCOPE, WORLD, Far, same_answers
from tests.hostile.authority import Authority
from tests.simulate import scope_text
from tests.test_cli import Run
from tests.worlds import DOMAIN
from vmmaudit.collect import afar, cluster, errand, plan, workers
from vmmaudit.collect.gather import Progress
from vmmaudit.errors import UsageError
from vmmaudit.evidence import Answer, Evidence, Gap, Question
from vmmaudit.scope import Scope, Site

HOST = SCOPE.hyper_v_hosts[0].name


@pytest.fixture(autouse=True)
def _far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errand, "Live", Far)


@contextmanager
def running(count: int = 2, **options: Any) -> Iterator[str]:
    """The address of a cluster whose workers are threads of this process."""
    with LocalCluster(
        n_workers=count,
        threads_per_worker=2,
        processes=False,
        protocol=options.pop("protocol", "tcp://"),
        dashboard_address=None,
        **options,
    ) as made:
        yield made.scheduler_address.replace("tcp:", "dask:")


def collected(address: str, scope: Scope = SCOPE) -> Evidence:
    with workers.ready(scope, address) as ready:
        return afar.collect(scope, ready, EXPECTED.origin)


def test_any_worker_reads_where_there_are_no_sites():
    with running() as address:
        assert same_answers(collected(address))


def test_a_site_is_a_resource():
    scope = SCOPE.model_copy(update={"sites": (Site(name="north", servers=(f"*{DOMAIN}",)),)})
    with running(resources={"north": 4}) as address:
        assert same_answers(collected(address, scope))
    with (
        running(resources={"south": 4}) as address,
        pytest.raises(UsageError, match=r"at the site 'north'.*--resources north=16"),
    ):
        collected(address, scope)


def test_a_cluster_without_workers():
    with running(0) as address, pytest.raises(UsageError, match="has no worker"):
        collected(address)


class Slow(Far):
    """Never ends with one server."""

    end = threading.Event()

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        if asked[0].server == HOST:
            self.end.wait(60)
        return super().ask(asked)


def test_a_scheduler_that_goes_costs_what_was_not_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(errand, "Live", Slow)
    monkeypatch.setattr(afar, "_PATIENCE", 2.0)
    monkeypatch.setattr(afar, "_LOOK", 0.5)
    done: list[Progress] = []
    everything = len(plan.targets(SCOPE))
    with (
        LocalCluster(
            n_workers=1,
            threads_per_worker=4,
            processes=False,
            protocol="tcp://",
            dashboard_address=None,
        ) as made,
        workers.ready(SCOPE, made.scheduler_address.replace("tcp:", "dask:")) as ready,
    ):

        def report(progress: Progress) -> None:
            done.append(progress)
            if len(done) == everything - 1:  # all but the one that never ends
                threading.Thread(target=made.close, daemon=True).start()
                threading.Timer(5, Slow.end.set).start()

        evidence = afar.collect(SCOPE, ready, EXPECTED.origin, report)
    assert any(question.server == DOMAIN for question in evidence.answers)
    lost = [gap.text for question, gap in evidence.gaps.items() if question.server == HOST]
    assert lost
    assert all("did not finish" in text for text in lost)


@pytest.mark.parametrize(
    ("version", "sentence"),
    [("9.9", r"The worker at tcp://\S+ has vmmaudit 9.9; install version"), ("", "lacks vmmaudit")],
)
def test_workers_of_another_version(monkeypatch: pytest.MonkeyPatch, version: str, sentence: str):
    def there(name: str) -> str:
        if not version:
            raise metadata.PackageNotFoundError(name)
        return version

    with running(1) as address:
        monkeypatch.setattr(metadata, "version", there)
        with pytest.raises(UsageError, match=sentence):
            collected(address)


def test_the_extra_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install 'vmmaudit\[dask\]'"):
        collected("dask://127.0.0.1:8786")


@pytest.mark.parametrize("address", ["dask://", "dask://host", "host:1", "tcp://h:1", "dask://h:x"])
def test_an_address_that_is_none(address: str):
    with pytest.raises(UsageError, match="write dask://HOST:PORT or tls://HOST:PORT"):
        collected(address)


@pytest.mark.parametrize("scheme", ["dask", "tls"])
def test_nobody_answers(monkeypatch: pytest.MonkeyPatch, scheme: str):
    monkeypatch.setattr(cluster, "_SECONDS", 1)
    with socket.socket() as bound:  # and does not listen
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(UsageError, match="No scheduler of Dask answers"):
            collected(f"{scheme}://127.0.0.1:{bound.getsockname()[1]}")


def test_the_command_says_it_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    scope = tmp_path / "site.yaml"
    text = scope_text(WORLD).replace("vmm:\n", "    auth: {user: x@y, secret: prompt}\nvmm:\n", 1)
    scope.write_text(text, encoding="utf-8")
    output = tmp_path / "output"
    run = Run(capsys, "collect", scope, "-o", output, "--executor", "tls://127.0.0.1:1")
    assert run.code == 1
    assert "prompted for, which a worker cannot" in run.err
    assert len(run.err.strip().splitlines()) == 1
    assert not output.exists(), "nothing was begun"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def guarded(authority: Authority) -> Iterator[str]:
    """A cluster that lets in whom its own authority knows."""
    mine = str(authority.issue("cluster", usage=None))
    security = Security(
        tls_ca_file=str(authority.pem),
        tls_scheduler_cert=mine,
        tls_worker_cert=mine,
        tls_client_cert=mine,
        require_encryption=True,
    )
    with running(protocol="tls://", security=security) as address:
        yield address


def configured(authority: Authority, certificate: Path) -> Any:
    """Dask's own configuration on the auditor's machine."""
    return dask.config.set(
        {
            "distributed.comm.tls.ca-file": str(authority.pem),
            "distributed.comm.tls.client.cert": str(certificate),
        }
    )


def test_with_certificates(guarded: str, authority: Authority):
    assert guarded.startswith("tls://")
    with configured(authority, authority.issue("auditor", usage=None)):
        assert same_answers(collected(guarded))


def test_nobody_else_is_let_in(
    guarded: str, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cluster, "_SECONDS", 2)
    refused = pytest.raises(UsageError, match="No scheduler of Dask answers")
    with refused:
        collected(guarded)
    with refused:
        collected(guarded.replace("tls:", "dask:"))
    other = tmp_path / "other"
    other.mkdir()
    stranger = Authority(other, "Another CA").issue("auditor", usage=None)
    with configured(authority, stranger), refused:
        collected(guarded)


def test_a_scheduler_of_another_authority_is_told_nothing(
    guarded: str, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cluster, "_SECONDS", 2)
    other = tmp_path / "other"
    other.mkdir()
    mine = Authority(other, "Another CA")
    with (
        configured(mine, mine.issue("auditor", usage=None)),
        pytest.raises(UsageError, match="No scheduler of Dask answers"),
    ):
        collected(guarded)
