"""Damage as it is found in the field, and as somebody who means harm would do it."""

from __future__ import annotations

from random import Random

EDGES = (
    *(0, 1, 2, 15, 16, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 1_000_001),
    *(0x7FFFFFFF, 0x80000000, 0xFFFFFFFF),
)
MOST_CHANGES = 6


def mutated(
    seed: bytes, others: tuple[bytes, ...], words: tuple[bytes, ...], dice: Random
) -> bytes:
    """The seed with one to six changes."""
    data = bytearray(seed)
    for _ in range(dice.randint(1, MOST_CHANGES)):
        _change(data, others, words, dice)
    return bytes(data)


def _change(
    data: bytearray, others: tuple[bytes, ...], words: tuple[bytes, ...], dice: Random
) -> None:
    at = dice.randint(0, len(data))
    length = min(len(data) - at, dice.choice((1, 1, 2, 4, 8, 32)))
    match dice.randint(0, 8 if words else 7):
        case 0 if at < len(data):
            data[at] ^= 1 << dice.randint(0, 7)
        case 1 if at < len(data):
            data[at] = dice.randint(0, 255)
        case 2:
            size = dice.choice((1, 2, 4))
            number = dice.choice(EDGES) & (256**size - 1)
            data[at : at + size] = number.to_bytes(size, dice.choice(("little", "big")))
        case 3:
            del data[at : at + length]
        case 4:
            del data[at:]
        case 5:
            data[at:at] = data[at : at + length] * dice.randint(1, 8)
        case 6:
            other = dice.choice(others)
            start = dice.randint(0, len(other))
            data[at : at + length] = other[start : start + dice.choice((1, 4, 16, 64, 512))]
        case 7:
            data[at:at] = dice.randbytes(dice.choice((1, 2, 4, 8)))
        case 8:
            data[at : at + dice.choice((0, 0, length))] = dice.choice(words)
