"""The seasonal naive: the last season again, the yardstick that a forecast has to beat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

PAST_ERRORS = 365  # that intervals are drawn from


@dataclass(frozen=True, slots=True, eq=False)
class SeasonalNaive:
    """The seasonal naive of one item, with what it got wrong in the past."""

    period: int
    errors: Mapping[int, FloatArray]  # past errors of totals by lead time, units
    scale: float  # mean absolute error of a single period, units

    @classmethod
    def learnt(cls, past: FloatArray, lead_times: Sequence[int], period: int) -> "SeasonalNaive":
        """Learn the errors of the past."""
        known = past[~np.isnan(past)]
        errors = {lead: _naive_errors(known, lead, period)[-PAST_ERRORS:] for lead in lead_times}
        single = np.abs(known[period:] - known[:-period])
        return cls(period, errors, float(single.mean()) if single.size else 0.0)

    def repeated(self, past: FloatArray, horizon: int) -> FloatArray:
        """Return the last season again and again, (horizon,)."""
        known = past[~np.isnan(past)][-self.period :]
        return np.resize(known, horizon) if known.size else np.zeros(horizon)


def _naive_errors(known: FloatArray, lead: int, period: int) -> FloatArray:
    """Return past errors of the naive's totals, actual less forecast, (origins,)."""
    origins = np.arange(period, known.size - lead + 1)
    if origins.size == 0:
        return np.zeros(1)
    ahead = np.arange(lead)
    forecast = known[origins[:, None] - period + ahead % period].sum(axis=1)
    return np.asarray(known[origins[:, None] + ahead].sum(axis=1) - forecast)
