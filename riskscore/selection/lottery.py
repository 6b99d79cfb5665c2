"""All randomness of selection: keyed BLAKE2b hashes (RFC 7693) instead of a generator with a state.

A hash of (seed, run date, port, shipment) does not depend on row order, on other ports or on how many
numbers were drawn before. Who does not know the seed cannot predict the draw.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    import numpy.typing as npt


@dataclass(frozen=True)
class Lottery:
    """The draws of one port on one run date.

    >>> from datetime import date
    >>> lottery = Lottery(seed=1, run_date=date(2026, 3, 2), port="2704")
    >>> lottery.uniform("rounding") == lottery.uniform("rounding")
    True
    """

    seed: int
    run_date: date
    port: str

    @cached_property
    def _key(self) -> bytes:
        # JSON keeps ("1", "23") and ("12", "3") apart; hashing makes any seed fit a BLAKE2b key.
        return blake2b(json.dumps([self.seed, self.run_date.isoformat(), self.port]).encode()).digest()

    def uniform(self, purpose: str) -> float:
        """A number in [0, 1), uniform over seeds; `purpose` (at most 16 bytes) keeps draws independent."""
        digest = blake2b(key=self._key, digest_size=8, person=purpose.encode()).digest()
        # 53 bits are what a float64 holds, so that 1.0 is never reached by rounding.
        return (int.from_bytes(digest, "big") >> 11) / 2**53

    def tickets(self, shipment_ids: Iterable[str]) -> npt.NDArray[np.uint64]:
        """Two independent uniform 64-bit numbers per shipment: columns tie-break and random floor."""
        blank = blake2b(key=self._key, digest_size=16, person=b"shipment")
        digests = []
        for shipment_id in shipment_ids:
            own = blank.copy()
            own.update(shipment_id.encode())
            digests.append(own.digest())
        return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64).reshape(-1, 2)
