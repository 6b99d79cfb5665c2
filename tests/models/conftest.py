"""A small population whose risk is known, and a model trained on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from riskscore.config import Model as Settings
from riskscore.models.training import train

SETTINGS = Settings(trees=80, leaves=7, learning_rate=0.1)


@dataclass(frozen=True)
class Population:
    """Shipments with their true risk. `probability` is the truth that labels are drawn from."""

    features: pd.DataFrame
    labels: pd.DataFrame
    days: np.ndarray
    probability: np.ndarray

    def train(self, rows=slice(None), settings=SETTINGS, **kwargs):
        """Train on the shipments at `rows`, in that order."""
        return train(self.features.iloc[rows], self.labels, self.days[rows], settings, **kwargs)


def population(size=6000, seed=1, days=60):
    """Log-odds -3.5 + 1.5 a - b; a and b standard normal, c noise with nulls, d categorical and idle."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(size=(3, size))
    index = pd.Index([f"S{i:05d}" for i in range(size)], name="shipment_id")
    features = pd.DataFrame({"a": a, "b": b, "c": np.where(c > 1, np.nan, c)}, index=index)
    features["d"] = rng.integers(0, 5, size).astype(float)
    probability = expit(-3.5 + 1.5 * a - b)
    found = (rng.random(size) < probability).astype(float)
    labels = pd.DataFrame({"any": found, "ipr": np.where(rng.random(size) < 0.5, found, np.nan)}, index=index)
    labels["narcotics"] = np.where(np.arange(size) < 40, found, 0.0)
    labels["weight"], labels["uncorrected"] = 1.0, True
    return Population(features, labels, 20_000 + np.arange(size) * days // size, probability)


@pytest.fixture(scope="session")
def people():
    return population()


@pytest.fixture(scope="session")
def trained(people):
    return people.train(categorical=["d"])
