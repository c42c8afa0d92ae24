r"""The host and the file that somebody means: `HYPER07`, `\\library\share\ISOs\x.iso`, `x.iso`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from vmmaudit.errors import UsageError
from vmmaudit.facts import Facts, Tree
from vmmaudit.scope import Host, Library


def find_host(facts: Facts, name: str) -> Host:
    """The host of the scope by its DNS name, short name or account name.

    Raises:
        UsageError: there is none, or the short name fits several.
    """
    wanted = name.lower().rpartition("\\")[2].rstrip("$")
    hosts = facts.scope.hosts
    exact = [host for host in hosts if host.name.lower() == wanted]
    found = exact or [host for host in hosts if host.name.lower().split(".")[0] == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(host.name for host in found)
        raise UsageError(f"'{name}' may be {names}; write the whole name.")
    raise UsageError(
        f"The scope has no host '{name}'{_similar(wanted, [host.name for host in hosts])}"
    )


def find_file(facts: Facts, name: str) -> tuple[Library, str]:
    r"""The library and the path under its share, by UNC, path or file name.

    Where a share could not be listed, a UNC in it is taken as it stands.

    Raises:
        UsageError: no such file was seen, or the name fits several.
    """
    text = name.replace("/", "\\")
    if text.startswith("\\\\"):
        library, path = find_place(facts, text)
        if not path:
            raise UsageError(f"'{name}' is a share; name a file in it.")
        return library, path
    wanted = text.strip("\\").lower()
    seen = [
        (library, path)
        for library in facts.scope.libraries
        for path in _files(facts, library)
        if path.lower() == wanted or path.lower().endswith("\\" + wanted)
    ]
    if len(seen) == 1:
        return seen[0]
    if seen:
        shown = ", ".join(rf"{library.share}\{path}" for library, path in seen[:5])
        raise UsageError(f"'{name}' may be {shown}; write the whole UNC path.")
    paths = [path for library in facts.scope.libraries for path in _files(facts, library)]
    raise UsageError(f"No library of the scope shows a file '{name}'{_similar(wanted, paths)}")


def find_place(facts: Facts, unc: str) -> tuple[Library, str]:
    """The library and the path under its share of a folder, a file or the share itself.

    Raises:
        UsageError: no library share of the scope, or nothing of that name was seen in it.
    """
    for library in facts.scope.libraries:
        if unc.rstrip("\\").lower() == library.share.lower():
            return library, ""
    return _by_unc(facts, unc)


def _by_unc(facts: Facts, unc: str) -> tuple[Library, str]:
    for library in facts.scope.libraries:
        if not unc.lower().startswith(library.share.lower() + "\\"):
            continue
        path = unc[len(library.share) + 1 :].strip("\\")
        tree = facts.servers.tree(library)
        if not isinstance(tree, Tree):
            return library, path
        for item in tree.items:
            if item.path.lower() == path.lower():
                return library, item.path
        similar = _similar(path, [item.path for item in tree.items if item.is_iso])
        raise UsageError(f"The share {library.share} shows no file '{path}'{similar}")
    for library in facts.scope.libraries:
        if _short(unc) == _short(library.share):
            meant = "\\".join([library.share, *unc.split("\\")[4:]])
            raise UsageError(
                f"'{unc}' is in no library share of the scope; did you mean {meant}? "
                "Delegation is to the server's name as it is written."
            )
    shares = ", ".join(library.share for library in facts.scope.libraries)
    raise UsageError(f"'{unc}' is in no library share of the scope ({shares}).")


def _short(unc: str) -> tuple[str, ...]:
    """The first label of the server's name, and the share."""
    parts = unc.lower().split("\\")
    return (*(part.split(".")[0] for part in parts[2:3]), *parts[3:4])


def _files(facts: Facts, library: Library) -> Iterator[str]:
    tree = facts.servers.tree(library)
    if isinstance(tree, Tree):
        yield from (item.path for item in tree.items if not item.is_folder)


def _similar(wanted: str, names: list[str]) -> str:
    """The end of a sentence: a name that may have been meant, or a full stop."""
    lowered = {name.lower(): name for name in names}
    short = {name.rpartition("\\")[2].split(".")[0]: full for name, full in lowered.items()}
    close = difflib.get_close_matches(wanted.lower(), lowered, 1, 0.5)
    if close:
        return f"; did you mean {lowered[close[0]]}?"
    close = difflib.get_close_matches(wanted.lower().split(".")[0], short, 1, 0.6)
    return f"; did you mean {short[close[0]]}?" if close else "."
