"""The level error of a path: how far lead-time totals stray beyond the noise of their days."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from core_modules.forecasting.forecast_values import standard_uniforms
from core_modules.forecasting.item_threads import in_threads
from core_modules.forecasting.law_calibration import CALIBRATION_DAYS, PastDays, weights
from core_modules.forecasting.observation_law import ObservationLaw
from core_modules.forecasting.past_likelihoods import spread_fits

FloatArray = NDArray[np.float64]

SMALLEST_STEADY_SPREAD = 0.01  # the same for demand steadier than Poisson
# Level errors tried for an item, sd of the log.
SPREADS = np.concatenate([[0.0, 0.01, 0.02, 0.035], np.linspace(0.05, 1.2, 24)])
SMALLEST_SPREAD = 0.05  # of the log level, before the batch's factor
BATCH_WEIGHT = 0.5  # of the batch's evidence beside an item's own
FACTORS = np.geomspace(0.2, 5.0, 15)  # on the spreads of the batch, tried for coverage
FACTOR_PRIOR = 30.0  # independent lead times whose weight holds a factor at 1
WANTED = (0.1, 0.9)  # the interval that totals are calibrated on
MOST_ORIGINS = 600  # simulated for a batch
SIMULATED_PATHS = 128
LEAD_TIMES = (3, 7, 14)  # days


def add_level_errors(
    pasts: Sequence[PastDays],
    laws: Sequence[ObservationLaw],
    lead_times: Sequence[int] = LEAD_TIMES,
    jobs: int = 1,
) -> list[ObservationLaw]:
    """Give each law the level error that covers lead-time totals as often as it should."""
    recent = [past.last(CALIBRATION_DAYS) for past in pasts]
    spreads = _item_spreads(recent, laws, lead_times, jobs)
    factors = _coverage_factors(recent, laws, spreads, lead_times)
    return _with_spreads(laws, spreads[:, None] * factors, lead_times)


def _with_spreads(
    laws: Sequence[ObservationLaw], spreads: FloatArray, lead_times: Sequence[int]
) -> list[ObservationLaw]:
    """Fit level and drift to the spreads of lead-time totals, (items, lead times)."""
    # A total of h days carries about the level error of its middle day.
    middle = (np.asarray(lead_times, dtype=np.float64) + 1) / 2
    square = spreads**2
    slope, start = np.zeros((2, len(laws)))
    if len(lead_times) > 1:
        slope, start = np.polyfit(middle, square.T, 1)
    through = (square * middle).sum(axis=1) / (middle**2).sum()  # the line from 0
    level = np.where(slope <= 0, square.mean(axis=1), np.where(start < 0, 0.0, start))
    drift = np.where(slope <= 0, 0.0, np.where(start < 0, through, slope))
    return [
        replace(law, level_sd=float(sd), drift_sd=float(added))
        for law, sd, added in zip(laws, np.sqrt(level), np.sqrt(drift), strict=True)
    ]


def _item_spreads(
    pasts: Sequence[PastDays],
    laws: Sequence[ObservationLaw],
    lead_times: Sequence[int],
    jobs: int,
) -> FloatArray:
    """Return each item's likeliest spread, drawn towards the batch's, (items,)."""
    fits = np.empty((len(pasts), SPREADS.size))

    longest = max((past.actual.size for past in pasts), default=0)
    weight, growths = weights(longest), np.expm1(SPREADS**2)
    days = np.array(lead_times, dtype=np.int64)

    def fill(first: int, last: int) -> None:
        for item in range(first, last):
            past, law = pasts[item], laws[item]
            seen = (past.actual, past.fitted, past.level, past.doubt)
            noise = (law.scale, law.power, law.mean_ratio, law.variance_ratio)
            least = 0.0 if law.steady else 1.0
            spread_fits(seen, weight, days, noise, least, growths, fits[item])

    in_threads(fill, len(pasts), jobs)
    joint = fits + BATCH_WEIGHT * fits.mean(axis=0)
    least = [SMALLEST_STEADY_SPREAD if law.steady else SMALLEST_SPREAD for law in laws]
    return np.asarray(np.maximum(SPREADS[joint.argmax(axis=1)], least))


def _coverage_factors(
    pasts: Sequence[PastDays],
    laws: Sequence[ObservationLaw],
    spreads: FloatArray,
    lead_times: Sequence[int],
) -> FloatArray:
    """Return the factor on all spreads that gives the wanted coverage, by lead time."""
    longest = max(lead_times)
    lengths = np.array([max(past.actual.size - longest, 0) for past in pasts])
    every = max(int(np.ceil(lengths.sum() / MOST_ORIGINS)), 5)
    uniforms = standard_uniforms(SIMULATED_PATHS, longest, 1)
    covered = np.zeros((len(lead_times), FACTORS.size))
    mass = 1e-9
    for past, law, spread, length in zip(pasts, laws, spreads, lengths, strict=True):
        counts = weights(past.actual.size) if length > every // 2 else np.zeros(0)
        for origin in range(every // 2, length, every):
            weight = counts[origin]
            mass += weight
            sds = np.hypot(spread * FACTORS, past.doubt[origin])
            errors = np.exp(np.outer(sds, ndtri(uniforms[:, 0])) - 0.5 * sds[:, None] ** 2)
            covered += weight * _covered(past, law, origin, errors, uniforms, lead_times)
    windows = mass * every / np.asarray(lead_times)
    return _solved(covered / mass, windows) if mass > 1 else np.ones(len(lead_times))


def _covered(
    past: PastDays,
    law: ObservationLaw,
    origin: int,
    errors: FloatArray,
    uniforms: FloatArray,
    lead_times: Sequence[int],
) -> FloatArray:
    """Return how much of the actual total lies in the wanted interval, (lead times, factors)."""
    longest = max(lead_times)
    ahead = slice(origin + 1, origin + 1 + longest)
    known = ~np.isnan(past.actual[ahead])
    mean = np.where(known, past.fitted[ahead], 0.0) * past.level[origin] * law.mean_ratio
    demand = law.draw(mean, uniforms[:, 0], uniforms[:, 1:]).cumsum(axis=1)
    actual = np.where(known, past.actual[ahead], 0.0).cumsum()
    found = np.empty((len(lead_times), errors.shape[0]))
    for row, days in enumerate(lead_times):
        totals = errors * demand[:, days - 1]  # (factors, paths)
        low = (totals < actual[days - 1] - 0.5).mean(axis=1)
        high = (totals < actual[days - 1] + 0.5).mean(axis=1)
        inside = np.clip(high, *WANTED) - np.clip(low, *WANTED)
        width = np.maximum(high - low, 1e-9)
        sharp = ((low > WANTED[0]) & (low < WANTED[1])).astype(np.float64)
        found[row] = np.where(high > low, inside / width, sharp)
    return found


def _solved(coverage: FloatArray, windows: FloatArray) -> FloatArray:
    """Return the factors at which coverage (lead times, factors) is as wanted, shrunk to 1."""
    wanted = WANTED[1] - WANTED[0]
    factors = np.empty(coverage.shape[0])
    for row, curve in enumerate(np.maximum.accumulate(coverage, axis=1)):
        log_factor = np.interp(wanted, curve, np.log(FACTORS))
        factors[row] = np.exp(log_factor * windows[row] / (windows[row] + FACTOR_PRIOR))
    return factors
