"""Seeded randomness: one stream per purpose, and draws keyed by identifiers.

A stream of its own per purpose keeps a change in one part of the simulator from reshuffling the others.
Keyed draws depend on names only, so the same exam of the same shipment meets the same luck whoever asked for it.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from riskscore.simulator.arrays import Floats, Ints


def stream(seed: int, purpose: str) -> np.random.Generator:
    """The generator of one purpose: PCG64 seeded from (seed, CRC-32 of the purpose).

    >>> stream(1, "names").integers(100) == stream(1, "names").integers(100)
    np.True_
    """
    entropy = np.random.SeedSequence([seed, zlib.crc32(purpose.encode())])
    return np.random.Generator(np.random.PCG64(entropy))


def keyed_uniforms(keys: Sequence[str], width: int) -> Floats:
    """Uniform draws in [0, 1), `width` per key, from SHAKE-128 of the key: shape (len(keys), width).

    >>> bool((keyed_uniforms(["a", "b"], 3)[1] == keyed_uniforms(["b"], 3)[0]).all())
    True
    """
    digests = b"".join(hashlib.shake_128(key.encode()).digest(8 * width) for key in keys)
    words = np.frombuffer(digests, dtype="<u8").reshape(len(keys), width)
    # 53 bits: the most a float64 in [0, 1) can hold exactly.
    uniforms: Floats = (words >> np.uint64(11)) * 2.0**-53
    return uniforms


def pick(rng: np.random.Generator, weights: Floats, size: int) -> Ints:
    """`size` indices drawn with replacement in proportion to `weights` (1-d, non-negative, positive sum)."""
    edges = np.cumsum(weights)
    drawn: Ints = np.searchsorted(edges, rng.random(size) * edges[-1], side="right").clip(max=len(weights) - 1)
    return drawn


def pick_rows(rng: np.random.Generator, weights: Floats) -> Ints:
    """One column index per row of `weights` (2-d, rows of positive sum), drawn in proportion to the row."""
    edges = np.cumsum(weights, axis=1)
    draws = rng.random(len(weights)) * edges[:, -1]
    drawn: Ints = (edges <= draws[:, None]).sum(axis=1).clip(max=weights.shape[1] - 1)
    return drawn
