"""Every reader: what it was shown to fail on once, its seeds, and a few hundred damaged ones.

The long run, guided by coverage, is `make fuzz`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import table
from tests.fuzz.mutate import mutated
from tests.fuzz.target import CORPUS, Target
from tests.fuzz.targets import TARGETS

EXAMPLES = 200
every = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@every
def test_seeds_are_accepted(target: Target):
    assert [target.run(seed) for seed in target.seeds] == [True] * len(target.seeds)


@every
def test_what_once_broke_it_breaks_it_no_more(target: Target):
    for file in sorted((CORPUS / target.name).glob("*")):
        target.run(file.read_bytes())


@every
def test_damage_is_refused_as_documented(target: Target):
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(target.seeds), st.randoms(use_true_random=True))
    def damaged(seed: bytes, dice) -> None:
        target.run(mutated(seed, target.seeds, target.words, dice)[: target.largest])

    damaged()


def test_every_folder_of_the_corpus_is_of_a_target():
    folders = {folder.name for folder in CORPUS.iterdir()} if CORPUS.exists() else set()
    assert folders <= {target.name for target in TARGETS}


def test_how_far_each_was_fuzzed_is_told_as_it_was():
    """`python -m tests.fuzz --table` of the runs that were noted; nothing is written by hand."""
    assert Path("docs/fuzzing.md").read_text(encoding="utf-8").endswith("\n\n" + table())
