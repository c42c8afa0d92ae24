"""Workers of an existing Dask cluster, a resource for each site; needs the extra `[dask]`."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from typing import Any, Final

from vmmaudit.collect.workers import refuse
from vmmaudit.errors import UsageError

SCHEMES: Final = {"dask": "tcp", "tls": "tls"}
"""What an address begins with, and what Dask calls it."""
_SECONDS: Final = 10
_PATIENCE: Final = 60
"""Seconds in which every worker has to tell its version."""


class Cluster:
    """Implements `workers.Workers`."""

    def __init__(self, client: Any) -> None:
        self._client = client
        # Not pure: the same errand may be sent again and is to be run again.
        self.executor = cache(self._executor)

    def examine(self, sites: Iterable[str]) -> None:
        """Ask every worker for its version, and each site for one worker."""
        found = self._versions()
        if not found:
            raise UsageError("The cluster has no worker; start `dask worker` in each site first.")
        for address, version in sorted(found.items()):
            refuse(f"The worker at {address}", version if isinstance(version, str) else "")
        for site in sites:
            if self.deserted(site):
                raise UsageError(
                    f"No worker of the cluster is at the site '{site}'; start one there by "
                    f"dask worker --resources {site}=16."
                )

    def _versions(self) -> Mapping[str, object]:
        """By address of the worker; what is no text is why there is none."""
        pool = ThreadPoolExecutor(1)
        asked = pool.submit(self._client.run, metadata.version, "vmmaudit", on_error="return")
        pool.shutdown(wait=False)
        try:
            found: Mapping[str, object] = asked.result(_PATIENCE)
        except TimeoutError as error:
            raise UsageError(
                f"A worker of the cluster does not answer within {_PATIENCE} seconds; end it, or "
                "look what it is busy with (dask worker's log)."
            ) from error
        return found

    def deserted(self, site: str) -> bool:
        """Whether no worker of the site is there now."""
        try:
            info = self._client.scheduler_info(n_workers=-1)
        except OSError:
            info = {}
        workers = info.get("workers", {}).values()  # none where there is no scheduler any more
        return not any(not site or _resources(worker).get(site) for worker in workers)

    def _executor(self, site: str) -> Executor:
        wanted = {"resources": {site: 1}} if site else {}
        found: Executor = self._client.get_executor(pure=False, **wanted)
        return found


@contextmanager
def opened(address: str) -> Iterator[Cluster]:
    """The cluster whose scheduler is at `dask://host:port` or `tls://host:port`.

    Certificates for `tls` are those of Dask's own configuration.

    Raises:
        UsageError: no such address, nobody answers there, or the extra is missing.
    """
    scheme, _, place = address.partition("://")
    host, _, port = place.rpartition(":")
    if scheme not in SCHEMES or not host or not port.isdecimal():
        raise UsageError(f"--executor {address}: write dask://HOST:PORT or tls://HOST:PORT.")
    try:
        distributed: Any = importlib.import_module("distributed")  # an extra, without types
    except ImportError as error:
        raise UsageError(
            "The package for Dask is missing: pip install 'vmmaudit[dask]'."
        ) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # its tracebacks are gaps here
    try:
        client = distributed.Client(
            f"{SCHEMES[scheme]}://{place}", timeout=_SECONDS, set_as_default=False
        )
    except (OSError, TypeError, ValueError) as error:
        hint = (
            "the certificates of Dask's configuration (distributed.comm.tls)"
            if scheme == "tls"
            else "whether it wants tls://"
        )
        raise UsageError(
            f"No scheduler of Dask answers at {place} within {_SECONDS} seconds; look whether it "
            f"runs and can be reached, and {hint}."
        ) from error
    try:
        yield Cluster(client)
    finally:
        client.close(timeout=_SECONDS)


def _resources(worker: Mapping[str, Mapping[str, float]]) -> Mapping[str, float]:
    return worker["resources"]
