"""pip-audit, also behind a mirror that knows packages and not each of their versions.

PyPI has a page about each version (NAME/VERSION/json) and one about the newest (NAME/json). Where
the first is not to be had, the second says the same of the newest version; of any other nothing
is known then. That is listed at the end, and is a failure: what was not told of is not taken for
sound. The arguments are pip-audit's.
"""

from __future__ import annotations

import re
import sys
from typing import Any, Final
from urllib.parse import unquote

import requests
from packaging.version import Version
from requests.adapters import HTTPAdapter

_PYPI: Final = "https://pypi.org/pypi/"
_OF_A_VERSION: Final = re.compile(r"(.*/pypi/[^/]+)/([^/]+)/json")


class Newest(HTTPAdapter):
    """Answers for a version by the page of its package, if it is the newest.

    Attributes:
        unknown: what nothing could be told of, as `NAME VERSION`.
    """

    def __init__(self) -> None:
        super().__init__(max_retries=3)
        self.unknown: list[str] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """The version's own page, else that of the newest version, else what the server said."""
        answer = super().send(request, *args, **kwargs)
        asked = _OF_A_VERSION.fullmatch(request.url or "")
        if answer.status_code != requests.codes.not_found or asked is None:
            return answer
        package, version = asked[1], unquote(asked[2])
        of_newest = request.copy()
        of_newest.url = f"{package}/json"
        newest = super().send(of_newest, *args, **kwargs)
        if newest.ok and Version(newest.json()["info"]["version"]) == Version(version):
            return newest
        self.unknown.append(f"{package.rsplit('/', 1)[-1]} {version}")
        return answer


def main() -> int:
    """What pip-audit says, asking as above; 1 where there is a weakness, or nothing was told."""
    from pip_audit import _cli  # in requirements/audit.txt alone
    from pip_audit._service import pypi

    caching, told = pypi.caching_session, Newest()

    def session(*args: Any) -> requests.Session:
        made: requests.Session = caching(*args)
        made.mount(_PYPI, told)
        return made

    pypi.caching_session = session
    code: Any = 0
    try:
        _cli.audit()
    except SystemExit as ended:
        code = ended.code
    for release in told.unknown:
        print(f"Nothing is told of {release}: it has no page here, and is not the newest.")
    return int(bool(code or told.unknown))


if __name__ == "__main__":
    sys.exit(main())
