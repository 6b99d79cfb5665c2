"""Damaged copies of files: what a disk, a copy, an editor or an attacker may do to a model. Seeded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:e[-+]\d+)?")
_EDITS = (b"0", b"-1", b"1", b"2", b"7", b"99", b"2147483648", b"-9999999999", b"1e400", b"nan", b"0x10", b"0.5", b"")


def mutants(files: dict[str, bytes], count: int, seed: int = 0) -> Iterator[tuple[str, dict[str, bytes]]]:
    """`count` times one damaged file among the others: how it was damaged, and all the files."""
    rng = np.random.default_rng(seed)
    names = sorted(files)
    for turn in range(count):
        name = names[turn % len(names)]
        damage = _DAMAGES[turn // len(names) % len(_DAMAGES)]
        changed = files[name]
        while changed == files[name]:
            changed = damage(files[name], rng)
        yield f"{damage.__name__} {name}", files | {name: changed}


def flip(content: bytes, rng: np.random.Generator) -> bytes:
    """One bit of one byte."""
    place = int(rng.integers(len(content)))
    return content[:place] + bytes([content[place] ^ 1 << int(rng.integers(8))]) + content[place + 1 :]


def digit(content: bytes, rng: np.random.Generator) -> bytes:
    """Another last digit of a number, or of its exponent."""
    found = list(_NUMBER.finditer(content))
    place = found[int(rng.integers(len(found)))].end() - 1
    return content[:place] + b"%d" % rng.integers(10) + content[place + 1 :]


def number(content: bytes, rng: np.random.Generator) -> bytes:
    """Another number in a number's place."""
    found = list(_NUMBER.finditer(content))
    old = found[int(rng.integers(len(found)))]
    return content[: old.start()] + _EDITS[int(rng.integers(len(_EDITS)))] + content[old.end() :]


def exchange(content: bytes, rng: np.random.Generator) -> bytes:
    """Two numbers in each other's place."""
    found = list(_NUMBER.finditer(content))
    one, other = (found[place] for place in sorted(rng.choice(len(found), 2, replace=False)))
    between = content[one.end() : other.start()]
    return content[: one.start()] + other.group() + between + one.group() + content[other.end() :]


def swap(content: bytes, rng: np.random.Generator) -> bytes:
    """Two lines in each other's place."""
    lines = content.split(b"\n")
    one, other = (int(place) for place in rng.choice(len(lines), 2, replace=False))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def delete(content: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes gone."""
    place = int(rng.integers(len(content)))
    return content[:place] + content[place + int(rng.integers(1, 100)) :]


def repeat(content: bytes, rng: np.random.Generator) -> bytes:
    """A line twice."""
    lines = content.split(b"\n")
    place = int(rng.integers(len(lines)))
    return b"\n".join([*lines[: place + 1], *lines[place:]])


def truncate(content: bytes, rng: np.random.Generator) -> bytes:
    """The end gone."""
    return content[: int(rng.integers(len(content)))]


def zero(content: bytes, rng: np.random.Generator) -> bytes:
    """A block of zeros, as a disk leaves it."""
    place, size = int(rng.integers(len(content))), int(rng.integers(1, 512))
    return content[:place] + bytes(min(size, len(content) - place)) + content[place + size :]


_DAMAGES = (flip, digit, number, exchange, swap, delete, repeat, truncate, zero)
