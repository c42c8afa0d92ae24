"""The published schemas are those that the program has."""

import json
from pathlib import Path

import jsonschema
import pytest

from tests.random_worlds import random_world
from tests.simulate import simulate
from vmmaudit import assessment, schemas
from vmmaudit.judge import judge

DOCS = Path(__file__).parent.parent / "docs/schemas"


@pytest.mark.parametrize("name", ["scope", "assessment"])
def test_the_published_file_is_current(name: str):
    published = json.loads((DOCS / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert published == schemas.by_name(name), f"run: vmmaudit schema {name}"
    jsonschema.Draft202012Validator.check_schema(published)


@pytest.mark.parametrize("seed", range(10))
def test_every_assessment_follows_it(seed: int):
    found = json.loads(assessment.dumps(judge(*simulate(random_world(seed)))))
    jsonschema.validate(found, schemas.assessment())
