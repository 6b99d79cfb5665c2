"""A digest of the labels a model learned from, so that anyone can see later whether they were the right ones."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

from riskscore.models.labels import targets

if TYPE_CHECKING:
    import pandas as pd

_UNLABELLED = -1


def labels_digest(labels: pd.DataFrame) -> str:
    """SHA-256 of which shipment has which label; the same for any order of rows and columns.

    Weights are no part of it: they follow from the settings too, which the manifest names apart.

    Args:
        labels: as made by `riskscore.models.label`: indexed by shipment_id, unique; of its columns those in
            `labels.targets()` are read, 1.0 positive, 0.0 cleared, NaN unlabelled. An absent target is unlabelled.

    Returns:
        64 hexadecimal digits.

    >>> import pandas as pd
    >>> one = pd.DataFrame({"any": [1.0, 0.0], "ipr": [float("nan"), 0.0]}, index=["A", "B"])
    >>> labels_digest(one) == labels_digest(one.iloc[::-1].assign(weight=2.0))
    True
    >>> labels_digest(one) == labels_digest(one.fillna(0.0))
    False
    """
    rows = labels.sort_index(kind="stable")
    codes = np.full((len(rows), len(targets())), _UNLABELLED, dtype=np.int8)
    for at, name in enumerate(targets()):
        if name in rows:
            values = rows[name].to_numpy(dtype=np.float64)
            codes[:, at] = np.where(np.isnan(values), _UNLABELLED, values)
    found = hashlib.sha256(json.dumps([list(targets()), [str(name) for name in rows.index]]).encode())
    found.update(codes.tobytes())
    return found.hexdigest()
