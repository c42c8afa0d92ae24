"""To which verdict each sentence of a control leads, and on what a FAIL rests: `outcomes.toml`.

The controls decide; this is what they are held to. A run of all tests fails where a control had
an outcome that is not declared here, and where one that is declared never came up.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from vmmaudit.assessment import Verdict

FOR_WANT_OF_A_FACT: Final = "gap"
"""In the place of a code: something was not read, and the gap's own reason is the code."""
REMARK: Final = "remark"

Outcomes = Mapping[str, Mapping[Verdict, str]]
"""By code: its verdicts. Each FAIL with its basis: `[D]` a document, `[C]` what was seen in
public, or the decision in `docs/adr` that lifts a doubt. More than one verdict where the
certainty differs, e.g. an account that only an SPN names."""


@cache
def _table() -> Mapping[str, Outcomes]:
    text = files(__package__).joinpath("outcomes.toml").read_text(encoding="utf-8")
    return {
        control: {
            code: {Verdict(name): basis for name, basis in _verdicts(found).items()}
            for code, found in outcomes.items()
        }
        for control, outcomes in tomllib.loads(text).items()
    }


def _verdicts(found: str | dict[str, str]) -> dict[str, str]:
    """One verdict without a basis stands by its name alone."""
    return {found: ""} if isinstance(found, str) else found


def declared(control: str) -> Outcomes:
    """The outcomes that a control can have, in the order of its texts.

    Raises:
        KeyError: there is no such control.
    """
    return _table()[control]
