"""Programme credit: what CTPAT membership takes off a score, visibly, and never to zero chance.

6 USC 964 lets a tier 1 importer's score be reduced by at most 20 % of the high-risk threshold, of the threshold and not
of the score; 6 USC 965 and 966 promise reduced scores for tiers 2 and 3 without a number. The credit moves a shipment
down the ranking and may take it under the threshold; the random floor draws it as any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from riskscore.config import Selection


def programme_credit(risk: pd.Series[float], tier: pd.Series[float], settings: Selection) -> pd.Series[float]:
    """What is taken off each risk, a probability; never more than the risk itself.

    Args:
        risk: probability of any hazard, no nulls.
        tier: the importer's effective CTPAT tier, 1 to 3; null or 0 = none.
        settings: the [selection] section of riskscore.toml.

    >>> import pandas as pd
    >>> from riskscore.config import Credits, Selection
    >>> settings = Selection(high_risk_threshold=0.5, programme_credits=Credits(tier_1=0.2, tier_3=0.4))
    >>> programme_credit(pd.Series([0.3, 0.05, 0.3, 0.3]), pd.Series([1.0, 1.0, 3.0, None]), settings).tolist()
    [0.1, 0.05, 0.2, 0.0]
    """
    by_tier = settings.programme_credits
    share = np.array([0.0, by_tier.tier_1, by_tier.tier_2, by_tier.tier_3])
    credit = share[tier.fillna(0).clip(0, 3).to_numpy(dtype="int64")] * settings.high_risk_threshold
    return risk.clip(upper=credit)
