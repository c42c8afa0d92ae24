"""What a reader under attack is: bytes in, nothing out but the documented error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
"""What once broke a reader, in a folder for each."""


@dataclass(frozen=True, slots=True)
class Target:
    """One reader.

    Attributes:
        name: also the folder of its corpus.
        read: the reader; also asserts what must hold of what it accepts.
        refusals: the errors that its documentation names.
        seeds: inputs that it accepts, for the mutations to begin with.
        largest: bytes of an input at most.
        imports: the modules whose branches guide the long run.
        words: what inputs of this kind are made of.
    """

    name: str
    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]
    largest: int = 4096
    words: tuple[bytes, ...] = field(default=())

    def run(self, data: bytes) -> bool:
        """Whether the input was accepted; anything but a documented refusal gets through."""
        try:
            self.read(data)
        except self.refusals:
            return False
        return True
