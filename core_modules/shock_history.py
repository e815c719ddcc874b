"""Corrects the prior of surges by those that each item's history shows."""

import pandas as pd

from core_modules.market_beliefs import MULTIPLIERS, ShockPrior
from core_modules.pattern_extractor import extract_patterns
from core_modules.sales_history import SalesHistory

SMALLEST_SURGE = 1.5  # multiplier below which a shock of the past is no surge to hedge against
LARGEST_SURGE = float(MULTIPLIERS[-1])  # beyond it the item was idle, not surging


def learned_priors(
    frame: pd.DataFrame, closed: pd.DatetimeIndex, prior: ShockPrior
) -> dict[str, ShockPrior]:
    """Return each item's prior, by `unique_id`, from the daily sales before a run.

    `closed` are days on which nothing could be sold.
    """
    priors = {}
    history = SalesHistory(frame, "D", "history", "", {}, closed, "units")
    for pattern in extract_patterns(history):
        surges = [shock for shock in pattern.shocks if shock.multiplier >= SMALLEST_SURGE]
        days = (pattern.provenance.last_day - pattern.provenance.first_day).days + 1
        priors[pattern.name] = prior.learned(
            [min(shock.multiplier, LARGEST_SURGE) for shock in surges],
            [shock.days for shock in surges],
            days / 365.25,
        )
    return priors
