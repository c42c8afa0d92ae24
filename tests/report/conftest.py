from __future__ import annotations

import pytest

from tests.report import sample
from vmmaudit.report.build import build
from vmmaudit.report.document import Document
from vmmaudit.report.register import summarise


def make(language: str = "de", hosts: int = 7, **changes: object) -> Document:
    inputs = {
        "assessment": sample.assessment(hosts),
        "evidence": summarise(sample.evidence(hosts)),
        "scope": sample.scope(hosts),
        "catalogue": sample.CATALOGUE,
        "texts": sample.texts(language),
        **changes,
    }
    return build(**inputs)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def german() -> Document:
    return make("de")


@pytest.fixture(scope="session")
def english() -> Document:
    return make("en")
