"""Runs pyHanko's coroutines from plain code, also inside a notebook whose loop is running."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from pyhanko_certvalidator import ValidationContext

T = TypeVar("T")


def wait(work: Coroutine[Any, Any, T], *contexts: ValidationContext) -> T:
    """The coroutine's result; what the contexts opened to fetch something is closed."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, _released(work, contexts)).result()


async def _released(work: Coroutine[Any, Any, T], contexts: tuple[ValidationContext, ...]) -> T:
    try:
        return await work
    finally:
        for context in contexts:
            await context.aclose()  # type: ignore[no-untyped-call]
