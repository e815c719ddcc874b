"""Calibrates observation laws: what one-day and lead-time errors of the past say of the next ones.

In order: the variance of a day by its mean (maximum likelihood), the warp that makes one-day
probabilities uniform, then the level error that makes lead-time totals fall inside their intervals
as often as the intervals say. Power and warp are shared by the batch, the rest is an item's own,
drawn towards the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaln

from core_modules.demand_law import negative_binomial_quantile
from core_modules.forecasting.observation_law import LARGEST_UNIFORM, WARP_KNOTS, ObservationLaw

FloatArray = NDArray[np.float64]

CALIBRATION_DAYS = 365  # the past that laws are fitted to
HALF_LIFE = 90.0  # days after which a past error counts half
POWERS = (1.0, 1.5, 2.0)  # tried for the variance of a day by its mean
SCALES = np.geomspace(0.02, 3000.0, 24)
ONE_VOTE = 10.0  # most that an item's log-likelihood counts for a power
STEADY = 0.8  # of the Poisson variance, below which demand is steadier than chance
SMALLEST_CENTRE = 1e-3  # units a day; below it a day tells nothing of the scatter
WARPED_SALES = 12  # days with a sale below which an item keeps the plain law
WARP_PRIOR_DAYS = 50.0  # weight of the plain law among the days that shape the warp
_FINE = np.concatenate([np.linspace(0, 0.98, 99), 1 - np.geomspace(0.02, 1e-9, 60)])


@dataclass(frozen=True, slots=True)
class PastDays:
    """One item's past as its model would have seen it; arrays are (days,), oldest first."""

    actual: FloatArray  # units, NaN where missing
    fitted: FloatArray  # units at level 1, events included, 0 where closed
    level: FloatArray  # at the end of each day
    doubt: FloatArray  # of the log level at the end of each day, see `Level`

    @property
    def centre(self) -> FloatArray:
        """Units expected of each day on the evening before, (days,)."""
        return np.asarray(self.fitted * np.concatenate([[1.0], self.level[:-1]]))

    def at_rest(self) -> "PastDays":
        """Return the same past for a model whose level nothing moves."""
        return replace(self, level=np.ones_like(self.level), doubt=np.zeros_like(self.doubt))

    def last(self, days: int) -> "PastDays":
        """Keep the last days."""
        kept = (self.actual, self.fitted, self.level, self.doubt)
        return PastDays(*(values[-days:] for values in kept))


@dataclass(frozen=True, slots=True)
class _Scatter:
    """One item's days that tell of its scatter; arrays are (days,)."""

    actual: FloatArray
    centre: FloatArray
    weight: FloatArray  # 1 today, half a `HALF_LIFE` ago


def fit_day_laws(pasts: Sequence[PastDays]) -> list[ObservationLaw]:
    """Fit the law of single days to each item, in the order given; level errors stay 0."""
    scatters = [_scatter(past) for past in pasts]
    power = _best_power([one for one in scatters if one.actual.size])
    scales = np.array([_best_scale(one, power)[0] for one in scatters])
    typical = np.nanmedian(np.log(scales)) if np.isfinite(scales).any() else 0.0
    scales = np.where(np.isfinite(scales), scales, np.exp(typical))
    laws = [
        ObservationLaw(ratio, 1.0) if ratio < STEADY else _plain(float(scale), power)
        for ratio, scale in zip(map(_poisson_ratio, scatters), scales, strict=True)
    ]
    warped = [
        not law.steady and np.count_nonzero(one.actual) >= WARPED_SALES
        for law, one in zip(laws, scatters, strict=True)
    ]
    shaping = [(one, law) for one, law, use in zip(scatters, laws, warped, strict=True) if use]
    if not shaping:
        return laws
    warp = _warp(shaping)
    return [
        _warped(law, warp, one) if use else law
        for law, one, use in zip(laws, scatters, warped, strict=True)
    ]


def _plain(scale: float, power: float) -> ObservationLaw:
    return ObservationLaw(max(scale, 1.0) if power == 1.0 else scale, power)


def _scatter(past: PastDays) -> _Scatter:
    recent = past.last(CALIBRATION_DAYS)
    centre = past.centre[-CALIBRATION_DAYS:]
    used = ~np.isnan(recent.actual) & (centre > SMALLEST_CENTRE)
    return _Scatter(recent.actual[used], centre[used], weights(centre.size)[used])


def weights(days: int) -> FloatArray:
    """Return the weight of each of the last days, oldest first, 1 for the last, (days,)."""
    return np.asarray(0.5 ** (np.arange(days - 1, -1, -1) / HALF_LIFE))


def _poisson_ratio(one: _Scatter) -> float:
    """Return the variance of an item's days over that of Poisson days."""
    if one.actual.size < 14:
        return np.inf
    return float(((one.actual - one.centre) ** 2).mean() / one.centre.mean())


def _best_power(scatters: Sequence[_Scatter]) -> float:
    if not scatters:
        return POWERS[0]
    fits = np.array([[_best_scale(one, power)[1] for one in scatters] for power in POWERS])
    # No single item, however strange, may decide for the batch.
    gains = np.clip(fits - fits.mean(axis=0), -ONE_VOTE, ONE_VOTE)
    return POWERS[int(np.argmax(gains.sum(axis=1)))]


def _best_scale(one: _Scatter, power: float) -> tuple[float, float]:
    """Return the likeliest scale of an item's variance and its log-likelihood."""
    if one.actual.size == 0:
        return np.nan, 0.0
    fits = _log_likelihood(one, SCALES[:, None], power)
    best = int(np.clip(np.argmax(fits), 1, SCALES.size - 2))
    low, middle, high = fits[best - 1 : best + 2]
    bend = low - 2 * middle + high
    shift = np.clip(0.5 * (low - high) / bend, -1, 1) if bend < 0 else 0.0
    step = np.log(SCALES[1] / SCALES[0])
    return float(SCALES[best] * np.exp(shift * step)), float(fits.max())


def _log_likelihood(one: _Scatter, scale: FloatArray, power: float) -> FloatArray:
    """Return the negative binomial log-likelihood by scale, up to a constant, (scales,)."""
    y, mean = one.actual, one.centre
    shape = mean**2 / (np.maximum(scale * mean**power, 1.001 * mean) - mean)
    terms = gammaln(y + shape) - gammaln(shape) + shape * np.log(shape / (shape + mean))
    terms += y * np.log(mean / (shape + mean))
    return np.asarray((terms * one.weight).sum(axis=1))


def _warp(shaping: Sequence[tuple[_Scatter, ObservationLaw]]) -> tuple[float, ...]:
    """Return the probabilities that make the batch's past days uniform under their laws."""
    below, upto, weight = [], [], []
    for one, law in shaping:
        variance = np.maximum(law.scale * one.centre**law.power, 1.0001 * one.centre)
        below.append(_cumulative(one.actual - 1, one.centre, variance))
        upto.append(_cumulative(one.actual, one.centre, variance))
        weight.append(one.weight)
    low, high, mass = (np.concatenate(part) for part in (below, upto, weight))
    # A day spreads its weight evenly over the probabilities that its whole units cover.
    seen = _spread_share(low, np.maximum(high - low, 1e-12), mass, _FINE)
    prior = WARP_PRIOR_DAYS / (WARP_PRIOR_DAYS + mass.sum())
    reached = np.maximum.accumulate((1 - prior) * seen + prior * _FINE)
    return tuple(np.maximum.accumulate(np.interp(WARP_KNOTS, reached, _FINE)).tolist())


def _spread_share(
    low: FloatArray, width: FloatArray, mass: FloatArray, at: FloatArray
) -> FloatArray:
    """Return the share of the mass, spread over low .. low + width, that lies below each `at`."""
    share = np.array([(np.clip((u - low) / width, 0, 1) * mass).sum() for u in at])
    return np.asarray(share / max(mass.sum(), 1e-12))


def _cumulative(units: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    """Return the negative binomial probability of at most `units`, elementwise."""
    shape = mean**2 / (variance - mean)
    found = betainc(shape, np.floor(np.maximum(units, 0)) + 1, shape / (shape + mean))
    return np.asarray(np.where(units < 0, 0.0, found))


def _warped(law: ObservationLaw, warp: tuple[float, ...], one: _Scatter) -> ObservationLaw:
    """Give a law its warp and what that does to the mean and variance of an ordinary day."""
    centre = float(one.centre[-28:].mean()) if one.centre.size else 1.0
    uniforms = (np.arange(1024) + 0.5) / 1024
    variance = max(law.scale * centre**law.power, 1.0001 * centre)
    shape = np.array(centre**2 / (variance - centre))
    warped = np.minimum(np.interp(uniforms, WARP_KNOTS, warp), LARGEST_UNIFORM)
    plain, real = (
        negative_binomial_quantile(u, np.array(centre), shape) for u in (uniforms, warped)
    )
    return replace(
        law,
        warp=warp,
        mean_ratio=float(np.clip(real.mean() / max(plain.mean(), 1e-9), 0.5, 2.0)),
        variance_ratio=float(np.clip(real.var() / max(plain.var(), 1e-9), 0.2, 10.0)),
    )
