"""Who reads instead of this machine, and whether they can."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import Protocol

from vmmaudit import __version__
from vmmaudit.collect.plan import targets
from vmmaudit.errors import UsageError
from vmmaudit.scope import Scope


class Workers(Protocol):
    """Those who read, by the site in which they stand; `""` where the scope has no sites."""

    def examine(self, sites: Iterable[str]) -> None:
        """Look whether there are workers for these sites, and whether they can do it.

        Raises:
            UsageError: a site has none, or one lacks vmmaudit or has another version.
        """
        ...

    def executor(self, site: str) -> Executor:
        """Who reads the servers of a site."""
        ...

    def deserted(self, site: str) -> bool:
        """Whether nobody is there now who would ever begin."""
        ...


@dataclass(frozen=True)
class Pool:
    """One executor for everything, or one for each site of the scope."""

    given: Executor | Mapping[str, Executor]

    def examine(self, sites: Iterable[str]) -> None:
        """Ask one worker of each executor for its version."""
        for site in sites:
            if isinstance(self.given, Mapping) and site not in self.given:
                where = f"the site '{site}'" if site else "a scope without sites ('')"
                raise UsageError(f"There is no executor for {where}; give one for each site.")
            try:
                found = self.executor(site).submit(metadata.version, "vmmaudit").result()
            except metadata.PackageNotFoundError:
                found = ""
            refuse(f"A worker{f' of {site}' if site else ''}", found)

    def executor(self, site: str) -> Executor:
        """The one of that site."""
        return self.given[site] if isinstance(self.given, Mapping) else self.given

    def deserted(self, site: str) -> bool:
        """An executor of this process is always there."""
        return False


@contextmanager
def ready(scope: Scope, executor: Executor | Mapping[str, Executor] | str) -> Iterator[Workers]:
    """The workers behind an executor, executors by site, or the address of a Dask cluster.

    Raises:
        UsageError: they cannot read this scope: a password is to be typed, they lack vmmaudit or
            have another version, or a site has none.
    """
    _refuse_prompts(scope)
    sites = sorted({scope.site_of(target.name) for target in targets(scope)})
    if isinstance(executor, str):
        from vmmaudit.collect import cluster  # noqa: PLC0415 - an extra

        with cluster.opened(executor) as found:
            found.examine(sites)
            yield found
        return
    pool = Pool(executor)
    pool.examine(sites)
    yield pool


def refuse(worker: str, version: str) -> None:
    """Raise UsageError if a worker has another vmmaudit than this machine, or none (`""`)."""
    if version != __version__:
        has = f"has vmmaudit {version}" if version else "lacks vmmaudit"
        raise UsageError(f"{worker} {has}; install version {__version__} there, as here.")


def _refuse_prompts(scope: Scope) -> None:
    for domain in scope.domains:
        if domain.auth.secret == "prompt":  # noqa: S105 - the reference that means typing
            raise UsageError(
                f"The password for {domain.name} is to be prompted for, which a worker cannot; "
                "write ccache, sso, env:NAME or keyring:service/user, which each worker resolves "
                "for itself."
            )
