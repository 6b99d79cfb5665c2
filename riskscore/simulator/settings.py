"""What a simulated country is made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

from riskscore.errors import InputError

Scenario = Literal["steady", "break", "stealth"]
SCENARIOS: tuple[str, ...] = get_args(Scenario)

BREAK_AT = 0.56
"""When break and stealth begin, as a share of the weeks (week 36 of 64)."""

MOVED_SHARE = 0.65
"""Share of each hazard that moves then."""


@dataclass(frozen=True)
class Settings:
    """Parameters of a country; equal settings give equal bytes.

    Raises:
        InputError: a parameter is out of range.

    >>> Settings(weeks=64, per_day=10, seed=1, scenario="break").break_day // 7
    35
    """

    weeks: int
    per_day: int
    seed: int
    scenario: Scenario = "steady"
    start: date = date(2025, 1, 6)
    census: float = 0.0
    """Share of the past's shipments that are examined fully, by lot; it changes nothing else."""

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        for name, low, high in (("weeks", 1, 1_000), ("per_day", 1, 100_000), ("seed", 0, 2**63)):
            if not low <= getattr(self, name) <= high:
                message = f"expected {name} between {low} and {high}, got {getattr(self, name)}"
                raise InputError(message)
        if not 0 <= self.census < 1:
            message = f"expected census of at least 0 and below 1, got {self.census}"
            raise InputError(message)
        if self.scenario not in SCENARIOS:
            message = f"unknown scenario {self.scenario!r}"
            raise InputError(message, fix=f"use one of {', '.join(SCENARIOS)}")

    @property
    def days(self) -> int:
        """Number of simulated days."""
        return 7 * self.weeks

    @property
    def shipments(self) -> int:
        """Number of shipments, damaged lines and further versions not counted."""
        return self.days * self.per_day

    @property
    def break_day(self) -> int:
        """First day of the changed world; beyond the end when nothing changes."""
        return self.days + 1 if self.scenario == "steady" else 7 * max(1, int(self.weeks * BREAK_AT))

    @property
    def last_day(self) -> date:
        """Last simulated day."""
        return self.start + timedelta(days=self.days - 1)
