"""Which controls to look at for a failure, the likeliest first.

The order follows the identity that was refused. KB 2689989 gives permissions and delegation as
causes of one and the same message, so this is a ranking and never one cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vmmaudit.diagnosis import codes
from vmmaudit.diagnosis.codes import Relevance
from vmmaudit.diagnosis.failures import Failure
from vmmaudit.diagnosis.wordings import Identity

BY_IDENTITY: Final[Mapping[Identity, tuple[str, ...]]] = {
    Identity.ACCOUNT: (
        *("DEL-01", "DEL-02", "DEL-04", "ACC-02", "ACC-06", "PRM-03", "PRM-06", "PRM-09"),
        *("HST-01", "ENV-04", "ENV-05"),
    ),
    Identity.COMPUTER: (
        *("PRM-01", "PRM-04", "PRM-09", "PRM-11", "HST-01", "DEL-01", "DEL-02", "DEL-04"),
        "ENV-04",
    ),
    Identity.HYPER_V: ("PRM-01", "PRM-04", "DEL-01"),
    Identity.NOBODY: ("LIB-03", "LIB-01", "NET-02", "NET-03", "DEL-04"),
    Identity.UNCLEAR: (
        *("DEL-01", "DEL-02", "DEL-04", "ACC-02", "ACC-06", "PRM-03", "PRM-06", "PRM-01"),
        *("PRM-04", "PRM-09", "HST-01", "ENV-04", "ENV-05"),
    ),
    Identity.NONE: (),
}
BY_RELEVANCE: Final[Mapping[Relevance, tuple[str, ...]]] = {
    Relevance.LIBRARY: ("LIB-01", "LIB-03", "NET-03"),
    Relevance.COPY: ("NET-01", "SVC-02"),
    Relevance.CONNECTION: ("NET-05", "SVC-02", "ACC-04"),
}


def controls(failure: Failure) -> tuple[str, ...]:
    """Ids of controls; empty where none of them could explain the failure."""
    if failure.identity is not Identity.NONE:
        return BY_IDENTITY[failure.identity]
    if failure.code is None:
        return ()
    return BY_RELEVANCE.get(codes.code(failure.code).relevance, ())


def weight(failure: Failure) -> int:
    """0 is what matters most to shared images: a refused file, then the rest of VMM's errors."""
    if failure.identity is not Identity.NONE:
        return 0
    if failure.code is None:
        return 5
    order = {
        Relevance.CORE: 1,
        Relevance.LIBRARY: 2,
        Relevance.COPY: 2,
        Relevance.CONNECTION: 2,
        Relevance.FOLLOW_UP: 3,
    }
    return order.get(codes.code(failure.code).relevance, 4)
