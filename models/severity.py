"""Severity: what a hazard costs, given that it is there, in USD; with the probabilities, the expected harm.

For each hazard `flat_usd + per_usd * declared value`, both at least 0 and learned from the amounts of confirmed
cases. Amounts have heavy tails and are few, so

- whether harm is flat, proportional to value or both is what the amounts bear out (Schwarz's criterion): a slope
  that a few large parcels suggest by chance would rank a day by its declared values;
- the line is fitted by gamma quasi-likelihood (error in proportion to the mean: McCullagh and Nelder 1989,
  chapter 8), which is unbiased for the mean and not ruled by the largest shipments;
- an amount far beyond what is expected counts as `CLIP` times that;
- the line is averaged with that of `PRIORS`, which weighs as much as `PRIOR_CASES` cases.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from riskscore import reference
from riskscore.errors import ModelError
from riskscore.models.labels import ANY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Six times the mean is about ten times the median of a log-normal amount with sigma 1: beyond it lies one case
# in a hundred, which would else decide the mean of a few dozen; clipping costs 3 % of the mean.
CLIP = 6.0

PRIOR_CASES = 5.0
"""Cases that the prior counts as: with this many of its own, a hazard stands half-way."""

POOLED_CASES = 200.0
"""Cases with which a hazard's own model counts as much as its share of `any`."""

USUAL_VALUE_USD = 90_000.0
"""Declared value where nothing says any: import value over entry summaries, FY2023 (3.33 tn USD / 36.7 M)."""

_STEPS = 100
_CLOSE = 1e-9
_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class Prior:
    """Severity before any amount is known: USD a case, USD per USD of declared value, and where it is from."""

    flat_usd: float
    per_usd: float
    source: str


_ASSUMED = "working assumption (low confidence): replace with local amounts"

PRIORS: Mapping[str, Prior] = {
    "narcotics": Prior(100_000, 0.0, _ASSUMED),
    "ipr": Prior(40_000, 0.0, "MSRP per seizure FY2016 to FY2019 (31,560 for 1.38 bn USD; 27,599 for 1.5 bn); "
                 "low confidence: MSRP is above domestic value"),
    "undervaluation": Prior(500, 0.1, _ASSUMED),
    "misclassification": Prior(500, 0.1, _ASSUMED),
    "origin_transship": Prior(0, 0.25, "Section 301 duty of 25 % evaded on the whole value; low confidence"),
    "adcvd_evasion": Prior(0, 0.5, _ASSUMED),
    "forced_labour": Prior(0, 1.0, "goods refused entry are worth the shipment (UFLPA to August 2025: 16,700 shipments "
                           "for 3.7 bn USD); low confidence"),
    "agriculture": Prior(5_000, 0.0, _ASSUMED),
    "pga_safety": Prior(10_000, 0.0, _ASSUMED),
    "manifest_quality": Prior(1_000, 0.0, _ASSUMED),
    "identity_ior": Prior(10_000, 0.0, _ASSUMED),
    "de_minimis_abuse": Prior(0, 0.25, _ASSUMED),
}  # fmt: skip
"""One per learned hazard. Only their order of magnitude is meant: they stand in until amounts are known."""


@dataclass(frozen=True, slots=True)
class HazardSeverity:
    """Expected harm of one hazard that is there: flat_usd + per_usd * declared value.

    Attributes:
        flat_usd: USD whatever the value, at least 0.
        per_usd: USD per USD of declared value, at least 0.
        usual_value_usd: declared value of its cases on average: stands in where none is declared.
        share: of the shipments with a named hazard, the weighted share in which this one was found.
        cases: amounts it was fitted to.
        prior_weight: how much of it is the prior: 1 without amounts, towards 0 with many.
    """

    flat_usd: float
    per_usd: float
    usual_value_usd: float
    share: float
    cases: int
    prior_weight: float

    def __call__(self, value_usd: Floats) -> Floats:
        """USD for each declared value; NaN = not declared.

        >>> HazardSeverity(100.0, 0.5, 40.0, 1.0, 9, 0.0)(np.array([10.0, np.nan])).tolist()
        [105.0, 120.0]
        """
        stated = np.where(np.isnan(value_usd), self.usual_value_usd, value_usd)
        return self.flat_usd + self.per_usd * stated


@dataclass(frozen=True, slots=True)
class Severity:
    """Severity of every learned hazard.

    Attributes:
        hazards: by hazard, in the order of reference/hazards.csv.
        value_cap_usd: declared values above count as this, the largest that was learned from: a slip of digits
            must not outrank a day's arrivals. Infinite when no value was known.
    """

    hazards: Mapping[str, HazardSeverity]
    value_cap_usd: float

    def expected_harm(self, scores: pd.DataFrame, value_usd: pd.Series) -> pd.Series:
        """Expected harm of each shipment: over the hazards, probability times severity.

        The probability of a hazard is a mean of two forecasts: its own model's, and the pooled one, the chance
        of `any` hazard times the hazard's share among confirmed cases. The first knows the hazard, the second
        learned from many times its cases: its weight is that of `POOLED_CASES` cases. A hazard without a model
        has the second alone. Rule-only hazards have no probability and add nothing.

        Args:
            scores: calibrated probabilities, `any` and a column per modelled hazard (`scoring.Model.predict`).
            value_usd: declared value, same index; null = not declared: the hazard's usual value.

        Returns:
            USD, at least 0 and never null, named expected_harm_usd, indexed like `scores`.

        Raises:
            ModelError: the two indexes differ.
        """
        harm = np.zeros(len(scores))
        for _, of_hazard in self._harms(scores, value_usd):
            harm += of_hazard
        return pd.Series(harm, index=scores.index, name="expected_harm_usd")

    def harm_by_hazard(self, scores: pd.DataFrame, value_usd: pd.Series) -> pd.DataFrame:
        """Expected harm of each shipment, hazard by hazard: the parts whose sum is `expected_harm`.

        An exam finds only hazards it can see, so what it would find of the harm depends on whose harm it is.

        Args:
            scores: as for `expected_harm`.
            value_usd: as for `expected_harm`.

        Returns:
            USD, at least 0 and never null, indexed like `scores`; one column per learned hazard, in the order of
            reference/hazards.csv.

        Raises:
            ModelError: the two indexes differ.
        """
        return pd.DataFrame(dict(self._harms(scores, value_usd)), index=scores.index)

    def _harms(self, scores: pd.DataFrame, value_usd: pd.Series) -> Iterator[tuple[str, Floats]]:
        if not scores.index.equals(value_usd.index):
            raise ModelError("scores and declared values speak of different shipments")
        values = np.clip(value_usd.to_numpy(dtype=np.float64, na_value=np.nan), 0.0, self.value_cap_usd)
        chance_of_any = scores[ANY].to_numpy()
        for hazard, severity in self.hazards.items():
            chance = chance_of_any * severity.share
            if hazard in scores:
                own = severity.cases / (severity.cases + POOLED_CASES)
                chance = own * scores[hazard].to_numpy() + (1 - own) * chance
            yield hazard, chance * severity(values)

    def as_json(self) -> dict[str, Any]:
        """The numbers as JSON values, with the source of each prior; `of_json` reads them back exactly."""
        return {
            "value_cap_usd": self.value_cap_usd if math.isfinite(self.value_cap_usd) else None,
            "prior_cases": PRIOR_CASES,
            "hazards": {name: asdict(found) | _origin(name, found) for name, found in self.hazards.items()},
        }

    @staticmethod
    def of_json(content: Mapping[str, Any]) -> Severity:
        """Read what `as_json` wrote.

        Raises:
            ModelError: hazards or numbers are missing or unknown, negative or not finite.
        """
        try:
            cap = math.inf if content["value_cap_usd"] is None else float(content["value_cap_usd"])
            entries = content["hazards"]
            hazards = {name: _read(entries[name]) for name in PRIORS}
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"severity cannot be read: {error!r}", fix="train again") from None
        if math.isnan(cap) or cap < 0 or len(entries) != len(hazards):
            raise ModelError("severity cannot be read: its cap or its hazards", fix="train again")
        return Severity(hazards, cap)


def fit(outcomes: pd.DataFrame, values: pd.Series, weights: pd.Series | pd.DataFrame | None = None) -> Severity:
    """Learn the severity of each hazard from the amounts of confirmed cases.

    Args:
        outcomes: rows of `riskscore.tables.OUTCOMES` as known at the cut-off: the latest row per key. Reads
            shipment_id, result, hazard and amount_usd (USD; null = not recorded: the case counts for the mix
            of hazards, not for amounts). Of several findings of one hazard in one shipment the largest amount
            counts, as a later exam repeats the earlier's.
        values: value_usd by shipment_id (unique), null = not declared; shipments may be absent.
        weights: inverse inclusion-probability weights by shipment_id (unique): a series, or a frame with a column
            `weight_<hazard>` per hazard or `weight` for all, such as the label frame. Absent = 1.

    Returns:
        A severity for every learned hazard; one without amounts is its prior, which its JSON says.
    """
    cases = _cases(outcomes, values)
    # Sorted, as the last bits of a sum depend on the order.
    known = np.sort(values.dropna().to_numpy(dtype=np.float64))
    usual = float(known.mean()) if len(known) else USUAL_VALUE_USD
    hazards = {}
    for name in reference.learned_hazards():
        own = cases[cases["hazard"] == name]
        hazards[name] = _fit_hazard(PRIORS[name], own, _weights(weights, name, own["shipment_id"]), usual)
    return Severity(_with_shares(hazards, cases, weights), float(known.max()) if len(known) else math.inf)


def _cases(outcomes: pd.DataFrame, values: pd.Series) -> pd.DataFrame:
    """One row per shipment and learned hazard found in it, sorted: largest amount_usd and value_usd, or NaN."""
    left_out = outcomes.loc[outcomes["result"].isin(reference.EXCLUDED), "shipment_id"]
    found = outcomes["result"].isin(reference.POSITIVE) & outcomes["hazard"].isin(reference.learned_hazards())
    rows = outcomes.loc[found & ~outcomes["shipment_id"].isin(left_out), ["shipment_id", "hazard", "amount_usd"]]
    cases = rows.groupby(["shipment_id", "hazard"])["amount_usd"].max().reset_index()
    value = values.reindex(cases["shipment_id"]).to_numpy(dtype=np.float64, na_value=np.nan)
    return cases.assign(value_usd=value)


def _weights(weights: pd.Series | pd.DataFrame | None, hazard: str, shipments: pd.Series) -> Floats:
    if weights is None:
        return np.ones(len(shipments))
    if isinstance(weights, pd.DataFrame):
        own = f"weight_{hazard}"
        weights = weights[own if own in weights else "weight"]
    chosen = weights.reindex(shipments).to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isnan(chosen), 1.0, chosen)


def _fit_hazard(prior: Prior, cases: pd.DataFrame, weights: Floats, usual: float) -> HazardSeverity:
    """One hazard; its share of the mix is filled in when all are known."""
    value = cases["value_usd"].to_numpy(dtype=np.float64)
    stated = ~np.isnan(value)
    if stated.any():
        usual = float((weights * value)[stated].sum() / weights[stated].sum())
    value = np.where(stated, value, usual)
    amount = cases["amount_usd"].to_numpy(dtype=np.float64)
    told = ~np.isnan(amount)
    if not told.any():
        return HazardSeverity(prior.flat_usd, prior.per_usd, usual, 0.0, 0, 1.0)
    # Unequal weights say less than their number: they are scaled to sum to Kish's effective sample size.
    weight = weights[told] * weights[told].sum() / (weights[told] ** 2).sum()
    drawn = PRIOR_CASES / (PRIOR_CASES + float(weight.sum()))
    flat, per = _line(amount[told], value[told], weight)
    return HazardSeverity(
        (1 - drawn) * flat + drawn * prior.flat_usd,
        (1 - drawn) * per + drawn * prior.per_usd,
        usual,
        share=0.0,
        cases=int(told.sum()),
        prior_weight=drawn,
    )


_SHAPES = ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
"""Flat, proportional, both: the parts that a line may have."""


def _line(amount: Floats, value: Floats, weight: Floats) -> tuple[float, float]:
    """Flat part and slope of the shape that the amounts bear out; `weight` sums to the effective cases."""
    scale = max(float((weight * value).sum() / weight.sum()), _TINY)
    cases = _Cases(amount, np.column_stack([np.ones(len(value)), value / scale]), weight)
    lines = [cases.fit(np.array(shape)) for shape in _SHAPES]
    flat, per = min(lines, key=partial(cases.criterion, full=lines[-1]))
    return float(flat), float(per / scale)


@dataclass(frozen=True, slots=True)
class _Cases:
    """Amounts, their design (a column of ones, one of values with mean 1) and weights."""

    amount: Floats
    design: Floats
    weight: Floats

    def mean(self, parts: Floats) -> Floats:
        """Expected amounts; sums, as BLAS products vary with the threads."""
        expected: Floats = np.maximum((self.design * parts).sum(axis=1), _TINY)
        return expected

    def fit(self, shape: Floats) -> Floats:
        """The parts that are 1 in `shape`, by Fisher scoring on the gamma quasi-likelihood; others stay 0."""
        parts: Floats = shape * float((self.weight * self.amount).sum() / self.weight.sum()) / shape.sum()
        for _ in range(_STEPS):
            before, parts = parts, np.maximum(self._scored(parts) * shape, parts / 10)
            if np.allclose(parts, before, rtol=_CLOSE, atol=0.0):
                break
        return parts

    def _scored(self, parts: Floats) -> Floats:
        """Weighted least squares where the error is in proportion to the mean; a part may come out negative."""
        mean = self.mean(parts)
        x = self.design * (parts > 0)
        weight, target = self.weight / mean**2, np.minimum(self.amount, CLIP * mean)
        normal = (x[:, :, None] * x[:, None, :] * weight[:, None, None]).sum(axis=0)
        # Least squares, not solve: values may all be alike, and a part may be left out.
        solved: Floats = np.linalg.lstsq(normal, (x * (weight * target)[:, None]).sum(axis=0))[0]
        return solved

    def criterion(self, parts: Floats, full: Floats) -> float:
        """Schwarz's criterion: deviance over the dispersion of the `full` line, and log n for each part."""
        cases = float(self.weight.sum())
        dispersion = float((self.weight * (self.amount / self.mean(full) - 1) ** 2).sum()) / max(cases - 2, 1.0)
        ratio = np.maximum(self.amount, _TINY) / self.mean(parts)
        deviance = 2 * float((self.weight * (ratio - 1 - np.log(ratio))).sum())
        return deviance / max(dispersion, _TINY) + int((parts > 0).sum()) * math.log(max(cases, math.e))


def _with_shares(
    hazards: Mapping[str, HazardSeverity], cases: pd.DataFrame, weights: pd.Series | pd.DataFrame | None
) -> dict[str, HazardSeverity]:
    """The hazards with their weighted share among shipments with a finding; a shipment may count for several."""
    weight = pd.Series(_weights(weights, ANY, cases["shipment_id"]), index=cases.index)
    all_cases = float(weight[~cases["shipment_id"].duplicated()].sum())
    of_hazard = weight.groupby(cases["hazard"]).sum()
    return {
        name: replace(found, share=float(of_hazard.get(name, 0.0)) / all_cases if all_cases else 0.0)
        for name, found in hazards.items()
    }


def _origin(name: str, found: HazardSeverity) -> dict[str, str]:
    prior = PRIORS[name].source
    return {"basis": "prior alone" if not found.cases else "amounts, drawn to the prior", "prior": prior}


def _read(entry: Mapping[str, Any]) -> HazardSeverity:
    numbers = {name: entry[name] for name in HazardSeverity.__slots__}
    if not all(isinstance(number, int | float) and 0 <= number < math.inf for number in numbers.values()):
        message = f"not a number of at least 0 among {numbers}"
        raise ValueError(message)
    return HazardSeverity(**numbers)
