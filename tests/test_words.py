"""Whatever happens, every sentence of every document can be written in every language."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from tests.random_worlds import random_world
from tests.simulate import scope_text, simulate
from tests.variants import VARIANTS
from vmmaudit.audit import Audit
from vmmaudit.controls.texts import Texts, languages
from vmmaudit.evidence import Evidence, Gap, Reason
from vmmaudit.report.csv import render_csv
from vmmaudit.report.html import render_html
from vmmaudit.report.sheets import verdicts

WORLDS = {variant.name: variant.world for variant in VARIANTS}


def with_gaps(evidence: Evidence, random: Random, share: float) -> Evidence:
    """Some answers refused."""
    answers, gaps = dict(evidence.answers), dict(evidence.gaps)
    for question in sorted(evidence.answers):
        if random.random() < share:
            del answers[question]
            gaps[question] = Gap(random.choice(list(Reason)), "It was refused.")
    return replace(evidence, answers=answers, gaps=gaps)


def written(evidence: Evidence, text: str, scope) -> None:
    audit = Audit("test", text, scope, evidence)
    for language in languages():
        assert render_html(audit.document(language))
        texts = Texts.load(language)
        assert render_csv(verdicts(audit.assessment, (), texts), texts)


@pytest.mark.parametrize("name", WORLDS)
def test_every_variant_can_be_written(name: str):
    evidence, scope = simulate(WORLDS[name])
    written(evidence, scope_text(WORLDS[name]), scope)


@pytest.mark.parametrize("seed", range(30))
def test_random_worlds_with_random_gaps_can_be_written(seed: int):
    random = Random(seed)  # noqa: S311 - reproducible, not secret
    world = random_world(seed)
    evidence, scope = simulate(world)
    written(
        with_gaps(evidence, random, random.choice((0.02, 0.1, 0.5, 1.0))), scope_text(world), scope
    )
