"""pip-audit, also behind a mirror that knows packages and not each of their versions.

PyPI has a page about each version (NAME/VERSION/json) and one about the newest (NAME/json). Where
the first is not to be had, the second says the same of the newest version; of any other nothing
is known then, which `--strict` makes a failure. The arguments are pip-audit's.
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
    """Answers for a version by the page of its package, if it is the newest."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """The version's own page, else that of the newest version, else what the server said."""
        answer = super().send(request, *args, **kwargs)
        asked = _OF_A_VERSION.fullmatch(request.url or "")
        if answer.status_code != requests.codes.not_found or asked is None:
            return answer
        of_newest = request.copy()
        of_newest.url = f"{asked[1]}/json"
        newest = super().send(of_newest, *args, **kwargs)
        if not newest.ok:
            return answer
        known = Version(newest.json()["info"]["version"])
        return newest if known == Version(unquote(asked[2])) else answer


def main() -> int | None:
    """What pip-audit says, asking as above."""
    from pip_audit import _cli
    from pip_audit._service import pypi

    caching = pypi.caching_session

    def session(*args: Any) -> requests.Session:
        made: requests.Session = caching(*args)
        made.mount(_PYPI, Newest(max_retries=3))
        return made

    pypi.caching_session = session
    return _cli.audit()


if __name__ == "__main__":
    sys.exit(main())
