"""Demand behind a stockout: what is to be expected of it, given that it was at least the sales."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

if TYPE_CHECKING:
    from core_modules.forecasting.forecast_values import DemandModel
    from core_modules.forecasting.observation_law import ObservationLaw

FloatArray = NDArray[np.float64]

SMALLEST_CHANCE = 1e-200  # of selling as much; below it sales are so far out that they are demand
LARGEST_SHAPE = 1e8  # of the negative binomial law, beyond which it is Poisson's


def imputed_demand(
    sales: ArrayLike,
    ran_out: ArrayLike,
    expected: ArrayLike,
    law: ObservationLaw,
    level_sd: float = 0.0,
) -> FloatArray:
    """Return each period's demand as far as sales tell it, units; the arrays broadcast.

    Where stock did not run out that is the sales; elsewhere E[D | D >= sales] for demand D with
    mean `expected` and the law's variance about it. `level_sd`, the standard deviation of the log
    of the level behind `expected`, widens that. For a negative binomial D with mean m and shape r,
    E[D; D >= s] = m P(D' >= s - 1), where D' has shape r + 1 and mean m (r + 1) / r.

    `expected` is for the whole period, so a day and a week are treated alike. NaN sales stay NaN.

    >>> from core_modules.forecasting.observation_law import ObservationLaw
    >>> poisson = ObservationLaw(scale=1.0, power=1.0)
    >>> imputed_demand(np.array([3.0, 3.0, 0.0]), np.array([False, True, True]), 2.0, poisson)
    array([3.        , 3.67430142, 2.        ])
    """
    units, hidden, mean = np.broadcast_arrays(
        np.asarray(sales, dtype=np.float64),
        np.asarray(ran_out, dtype=np.bool_),
        np.asarray(expected, dtype=np.float64),
    )
    demand = units.copy()
    censored = hidden & ~np.isnan(units) & (mean > 0)
    if censored.any():
        means, least = mean[censored], np.ceil(units[censored])
        variance = law.variance(means) + (level_sd * means) ** 2
        above = _normal_tail_mean if law.steady else _count_tail_mean
        demand[censored] = np.maximum(above(least, means, variance), units[censored])
    return demand


def demand_behind(model: DemandModel, sales: float, ran_out: bool) -> float:
    """Return the demand of the day after the model's origin as its sales tell it, units.

    `model` is that of the evening before: what it expected is what a stockout is judged by.
    """
    if not ran_out or model.fitted.size == 0:
        return float(sales)
    doubt = float(model.law.level_sds(1, model.level.doubt)[0])
    return float(imputed_demand(sales, True, float(model.expected[0]), model.law, doubt))


def _count_tail_mean(least: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    """Return E[D | D >= least] of negative binomial D, Poisson where variance <= mean."""
    shape = np.minimum(
        mean**2 / np.maximum(variance - mean, mean**2 / LARGEST_SHAPE), LARGEST_SHAPE
    )
    chance = mean / (shape + mean)
    reached = _at_least(least, shape, chance)
    beyond = mean * _at_least(least - 1, shape + 1, chance)
    told = reached > SMALLEST_CHANCE
    return np.where(told, beyond / np.where(told, reached, 1.0), least)


def _at_least(least: FloatArray, shape: FloatArray, chance: FloatArray) -> FloatArray:
    return np.where(least > 0, special.betainc(np.maximum(least, 1.0), shape, chance), 1.0)


def _normal_tail_mean(least: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    """Return E[D | D >= least] of normal D rounded to whole units: mean + sd phi(z) / Phi(-z)."""
    sd = np.sqrt(np.maximum(variance, 1e-12))
    z = (least - 0.5 - mean) / sd
    log_ratio = -0.5 * z**2 - 0.5 * np.log(2 * np.pi) - special.log_ndtr(-z)
    return np.asarray(mean + sd * np.exp(log_ratio))
