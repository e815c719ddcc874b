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
from scipy.special import betainc

from core_modules.demand_law import quantile_moments
from core_modules.forecasting.item_threads import in_threads
from core_modules.forecasting.observation_law import LARGEST_UNIFORM, WARP_KNOTS, ObservationLaw
from core_modules.forecasting.past_likelihoods import cumulative, scale_fits, spread_mass

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

CALIBRATION_DAYS = 365  # the past that laws are fitted to
HALF_LIFE = 90.0  # days after which a past error counts half
POWERS = (1.0, 1.5, 2.0)  # tried for the variance of a day by its mean
SCALES = np.geomspace(0.02, 3000.0, 24)
VOTERS = 1000  # items of a larger batch that choose its power
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


@dataclass(frozen=True, slots=True, eq=False)
class _Scatter:
    """The days that tell of the items' scatter, one item after the other; arrays are (days,)."""

    actual: FloatArray
    centre: FloatArray
    weight: FloatArray  # 1 today, half a `HALF_LIFE` ago
    bounds: IntArray  # (items + 1,) where each item's days begin

    @property
    def days(self) -> IntArray:
        """How many days each item has, (items,)."""
        return np.diff(self.bounds)

    def of(self, item: int) -> slice:
        """Return where an item's days are."""
        return slice(int(self.bounds[item]), int(self.bounds[item + 1]))


def fit_day_laws(pasts: Sequence[PastDays], jobs: int = 1) -> list[ObservationLaw]:
    """Fit the law of single days to each item, in the order given; level errors stay 0."""
    scatter = _scatter(pasts)
    power, fits = _power_and_fits(pasts, scatter, jobs)
    scales = _best_scales(fits, scatter.days > 0)
    typical = np.nanmedian(np.log(scales)) if np.isfinite(scales).any() else 0.0
    scales = np.where(np.isfinite(scales), scales, np.exp(typical))
    laws = [
        ObservationLaw(ratio, 1.0) if ratio < STEADY else _plain(float(scale), power)
        for ratio, scale in zip(_poisson_ratios(scatter), scales, strict=True)
    ]
    warped = [
        not law.steady and np.count_nonzero(scatter.actual[scatter.of(item)]) >= WARPED_SALES
        for item, law in enumerate(laws)
    ]
    if not any(warped):
        return laws
    warp = _warp(scatter, laws, np.array(warped), jobs)
    uniforms = (np.arange(1024) + 0.5) / 1024
    moved = np.minimum(np.interp(uniforms, WARP_KNOTS, warp), LARGEST_UNIFORM)
    return [
        _warped(law, warp, scatter.centre[scatter.of(item)], uniforms, moved) if use else law
        for item, (law, use) in enumerate(zip(laws, warped, strict=True))
    ]


def _plain(scale: float, power: float) -> ObservationLaw:
    return ObservationLaw(max(scale, 1.0) if power == 1.0 else scale, power)


def _scatter(pasts: Sequence[PastDays]) -> _Scatter:
    actual, centre, weight = [], [], []
    weigh = weights(CALIBRATION_DAYS)
    for past in pasts:
        sold, expected = past.actual[-CALIBRATION_DAYS:], past.centre[-CALIBRATION_DAYS:]
        used = ~np.isnan(sold) & (expected > SMALLEST_CENTRE)
        actual.append(sold[used])
        centre.append(expected[used])
        weight.append(weigh[CALIBRATION_DAYS - sold.size :][used])
    bounds = np.cumsum([0, *(one.size for one in actual)])
    return _Scatter(_joined(actual), _joined(centre), _joined(weight), bounds)


def _joined(parts: Sequence[FloatArray]) -> FloatArray:
    return np.concatenate(parts) if parts else np.zeros(0)


def weights(days: int) -> FloatArray:
    """Return the weight of each of the last days, oldest first, 1 for the last, (days,)."""
    return np.asarray(0.5 ** (np.arange(days - 1, -1, -1) / HALF_LIFE))


def _poisson_ratios(scatter: _Scatter) -> list[float]:
    """Return the variance of each item's days over that of Poisson days."""
    ratios = []
    for item, days in enumerate(scatter.days):
        actual, centre = scatter.actual[scatter.of(item)], scatter.centre[scatter.of(item)]
        told = days >= 14
        ratios.append(float(((actual - centre) ** 2).mean() / centre.mean()) if told else np.inf)
    return ratios


def _power_and_fits(
    pasts: Sequence[PastDays], scatter: _Scatter, jobs: int
) -> tuple[float, FloatArray]:
    """Return the batch's power, and the log-likelihoods of the scales with it, (items, scales)."""
    voters = scatter
    if len(pasts) > VOTERS:
        # By chance, as the items of a file come round in the rhythm of its shops or groups.
        drawn = np.random.default_rng(0).choice(len(pasts), VOTERS, replace=False)
        voters = _scatter([pasts[item] for item in drawn])
    votes = np.stack([_scale_fits(voters, power, jobs) for power in POWERS])
    power = _best_power(votes, voters.days > 0)
    if voters is scatter:
        return power, votes[POWERS.index(power)]
    return power, _scale_fits(scatter, power, jobs)


def _scale_fits(scatter: _Scatter, power: float, jobs: int) -> FloatArray:
    """Return the log-likelihood of each scale of the items' variance, (items, scales)."""
    fits = np.zeros((scatter.days.size, SCALES.size))

    def fill(first: int, last: int) -> None:
        days = (scatter.actual, scatter.centre, scatter.weight, scatter.bounds)
        scale_fits(*days, SCALES, power, first, last, fits)

    in_threads(fill, scatter.days.size, jobs)
    return fits


def _best_power(fits: FloatArray, known: BoolArray) -> float:
    """Return the power that most items speak for; `fits` are (powers, items, scales)."""
    if not known.any():
        return POWERS[0]
    best = fits[:, known].max(axis=2)
    # No single item, however strange, may decide for the batch.
    gains = np.clip(best - best.mean(axis=0), -ONE_VOTE, ONE_VOTE)
    return POWERS[int(np.argmax(gains.sum(axis=1)))]


def _best_scales(fits: FloatArray, known: BoolArray) -> FloatArray:
    """Return the likeliest scale of each item's variance, NaN where no day tells, (items,)."""
    items = np.arange(fits.shape[0])
    best = np.clip(fits.argmax(axis=1), 1, SCALES.size - 2)
    low, middle, high = (fits[items, best + step] for step in (-1, 0, 1))
    bend = low - 2 * middle + high
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where(bend < 0, np.clip(0.5 * (low - high) / bend, -1, 1), 0.0)
    step = np.log(SCALES[1] / SCALES[0])
    return np.where(known, SCALES[best] * np.exp(shift * step), np.nan)


def _warp(
    scatter: _Scatter, laws: Sequence[ObservationLaw], used: BoolArray, jobs: int
) -> tuple[float, ...]:
    """Return the probabilities that make the batch's past days uniform under their laws."""
    use = np.repeat(used, scatter.days)
    actual, mean, mass = (one[use] for one in (scatter.actual, scatter.centre, scatter.weight))
    scale = np.repeat([law.scale for law in laws], scatter.days)[use]
    power = next(law.power for law, one in zip(laws, used, strict=True) if one)
    variance = np.maximum(scale * mean**power, 1.0001 * mean)
    low, high = _cumulative(actual, mean, variance, jobs)
    # A day spreads its weight evenly over the probabilities that its whole units cover.
    below = np.empty(_FINE.size)
    spread_mass(low, np.maximum(high - low, 1e-12), mass, _FINE, below)
    total = float(mass.sum())
    prior = WARP_PRIOR_DAYS / (WARP_PRIOR_DAYS + total)
    reached = np.maximum.accumulate((1 - prior) * below / max(total, 1e-12) + prior * _FINE)
    return tuple(np.maximum.accumulate(np.interp(WARP_KNOTS, reached, _FINE)).tolist())


def _cumulative(
    actual: FloatArray, mean: FloatArray, variance: FloatArray, jobs: int
) -> tuple[FloatArray, FloatArray]:
    """Return the negative binomial chances of fewer units than each day's, and of no more."""
    below, upto = np.empty(actual.size), np.empty(actual.size)
    in_threads(
        lambda first, last: cumulative(actual, mean, variance, first, last, below, upto),
        actual.size,
        jobs,
    )
    left = np.flatnonzero(np.isnan(upto))  # too many units to sum
    if left.size:
        units, shape = np.floor(actual[left]), mean[left] ** 2 / (variance[left] - mean[left])
        share = shape / (shape + mean[left])
        upto[left] = betainc(shape, units + 1, share)
        fewer = betainc(shape, np.maximum(units, 1.0), share)
        below[left] = np.where(units > 0, fewer, 0.0)
    return below, upto


def _warped(
    law: ObservationLaw,
    warp: tuple[float, ...],
    centres: FloatArray,
    uniforms: FloatArray,
    moved: FloatArray,
) -> ObservationLaw:
    """Give a law its warp and what that does to the mean and variance of an ordinary day.

    `moved` are the probabilities that the warp gives for `uniforms`, both rising.
    """
    centre = float(centres[-28:].mean()) if centres.size else 1.0
    variance = max(law.scale * centre**law.power, 1.0001 * centre)
    shape = centre**2 / (variance - centre)
    plain, real = (quantile_moments(u, centre, shape) for u in (uniforms, moved))
    return replace(
        law,
        warp=warp,
        mean_ratio=min(max(real[0] / max(plain[0], 1e-9), 0.5), 2.0),
        variance_ratio=min(max(real[1] / max(plain[1], 1e-9), 0.2), 10.0),
    )
