"""Populations of which everything is known, and the exams that a champion's targeting and a lottery made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from riskscore.models.paired import Later


@dataclass(frozen=True)
class Country:
    """n shipments: their true risk, what an exam would find, and the scores of two models."""

    days: np.ndarray
    risk: np.ndarray
    found: np.ndarray
    champion: np.ndarray
    candidate: np.ndarray
    segments: dict[str, np.ndarray]

    def examined(self, seed=0, slots=0.05, floor=0.02):
        """What is known after the champion chose the top `slots`, and a lottery `floor` of the rest."""
        ranked = self.champion >= np.quantile(self.champion, 1 - slots)
        chance = np.where(ranked, 1.0, floor)
        rows = np.random.default_rng(seed).random(len(chance)) < chance
        return Later(
            days=self.days[rows],
            labels=self.found[rows],
            weights=1 / chance[rows],
            chances=chance[rows],
            drawn=~ranked[rows],
            champion=self.champion[rows],
            candidate=self.candidate[rows],
            segments={name: flags[rows] for name, flags in self.segments.items()},
        )

    def hit_rate(self, scores, share):
        """Of the top `share` of everybody, as if all of them were examined."""
        top = scores >= np.quantile(scores, 1 - share)
        return self.found[top].mean()


def country(seed=1, size=30_000, days=28, sees=(1.0, 1.0)):
    """Log-odds of the risk -4 + 1.2 a + 1.2 b; the models see `a`, and of `b` the part `sees` of champion, candidate.

    Both are calibrated: what a model does not see is averaged over.
    """
    rng = np.random.default_rng(seed)
    a, b, *noise = rng.normal(size=(4, size))
    risk = expit(-4 + 1.2 * a + 1.2 * b)
    trusted = rng.random(size) < 0.3
    return Country(
        days=20_000 + np.arange(size) * days // size,
        risk=risk,
        found=(rng.random(size) < risk).astype(float),
        champion=_seen(a, b, noise[0], sees[0]),
        candidate=_seen(a, b, noise[1], sees[1]),
        segments={"CTPAT tier 3": trusted, "small importers": ~trusted},
    )


def _seen(a, b, noise, part):
    """Mean risk of shipments with this `a` and this noisy sight of `b` (normal posterior, 21-point quadrature)."""
    if part == 1:
        return expit(-4 + 1.2 * a + 1.2 * b)
    spread = np.sqrt((1 - part) / part) if part else np.inf
    sight = b + spread * noise if part else np.zeros_like(b)
    mean, deviation = sight * part, np.sqrt(1 - part)
    nodes, weights = np.polynomial.hermite_e.hermegauss(21)
    at = -4 + 1.2 * a[:, None] + 1.2 * (mean[:, None] + deviation * nodes)
    return expit(at) @ (weights / weights.sum())


def shifted(scores, by):
    """Scores with the same order and other odds."""
    return expit(logit(scores) + by)
