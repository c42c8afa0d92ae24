"""Fixtures of tests that need the live lab; `tests/conftest.py` imports them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab.lab import Lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab this test run is in; where it is in none, the test is skipped."""
    if "VMMAUDIT_LAB" not in os.environ:
        pytest.skip("not in the lab: `make test` or `python -m tests.lab exec -- pytest`")
    found = Lab.current()
    yield found
    found.close()
