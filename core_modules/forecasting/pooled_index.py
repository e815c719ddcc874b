"""The pooled seasonal index: what each week of the year does to items, shared up their groups.

A shop's spikes last a week, narrower than a Fourier season bends, and one thin item cannot show
them. So the index of a week is the units sold over those its level explains, first of all items
together, then of each finer group beside what the coarser ones told; the less a group sells, the
more it is held at what is told already. Weeks of two years are alike as far as they share days of
the year: what lasts from the 14th to the 20th in one year began a weekday earlier in the other.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

HALF_SPAN = 13  # weeks to either side that tell the level of a week
ROUNDS = 2  # of estimating level and index in turn
ALL_SPREAD = 0.3  # of the index of all items, sd of the prior: seasons are large and sure
GROUP_SPREAD = 0.05  # of a group's departure from it: small, and told by few
SMALLEST = 0.1  # index of a group beside the coarser ones
SHORTEST = 54  # weeks of history from which a week comes round again
WEEK, YEAR = 7, 366  # days


def alike(dates: NDArray[np.datetime64]) -> FloatArray:
    """Return the share of days of the year that each two weeks have in common, (weeks, weeks).

    `dates` are the first days of the weeks.

    >>> mondays = np.array(["2021-11-08", "2022-11-07", "2022-11-14"], dtype="datetime64[D]")
    >>> alike(mondays)[0].round(2)
    array([1.  , 0.86, 0.14])
    """
    days = pd.DatetimeIndex((dates[:, None] + np.arange(WEEK)).reshape(-1))
    # 29 February has a place of its own, so that a date is the same place in every year.
    leap = np.asarray((days.day_of_year >= 60) & ~days.is_leap_year, dtype=np.int64)
    place = (days.day_of_year.to_numpy() - 1 + leap).reshape(-1, WEEK)
    held = np.zeros((dates.size, YEAR))
    np.put_along_axis(held, place, 1.0, axis=1)
    return held @ held.T / WEEK


def pooled_index(
    units: FloatArray, groups: Sequence[IntArray], dates: NDArray[np.datetime64]
) -> FloatArray:
    """Return each item's index over the past and the weeks ahead, mean 1, (items, weeks).

    `units` are (items, past weeks), NaN where missing. `groups` are the group numbers of the items,
    (items,) each, from coarse to fine, below all items. `dates` are the first days of the weeks of
    the past and those ahead; a week that no past one resembles has the index 1, about.

    The departure of a group's weeks from what is told is a Gaussian process of covariance
    spread**2 * `alike`, seen with the variance that scatter gives a ratio of totals.
    """
    past = units.shape[1]
    index = np.ones((units.shape[0], dates.size))
    known = ~np.isnan(units)
    sold = np.where(known, units, 0.0)
    members = [np.zeros(units.shape[0], dtype=np.int64), *groups]
    covariance = alike(dates)[:, :past]
    for _ in range(ROUNDS):
        level = _level(sold, np.where(known, index[:, :past], 0.0))
        usual = np.where(known, level * index[:, :past], 0.0)
        scatter = float(((sold - usual) ** 2).sum() / max(usual.sum(), 1e-9))
        index = np.ones_like(index)
        for spread, group in zip(
            [ALL_SPREAD, *(GROUP_SPREAD for _ in groups)], members, strict=True
        ):
            expected = np.where(known, level * index[:, :past], 0.0)
            came, awaited = (_by_group(part, group) for part in (sold, expected))
            noise = max(scatter, 1e-9) / spread**2
            told = np.array(
                [
                    _departure(one, other, noise, covariance)
                    for one, other in zip(came, awaited, strict=True)
                ]
            )
            index *= np.maximum(1.0 + told, SMALLEST)[group]
    return np.asarray(index / index.mean(axis=1, keepdims=True))


def _departure(
    came: FloatArray, awaited: FloatArray, noise: float, covariance: FloatArray
) -> FloatArray:
    """Return the expected departure of each week, given units that came and were awaited, (weeks,).

    `noise` is the variance of a ratio times the units awaited, over the prior's variance.
    """
    seen = awaited > 0
    ratio = came[seen] / awaited[seen] - 1.0
    among = covariance[: came.size][seen][:, seen] + np.diag(noise / awaited[seen])
    return np.asarray(covariance[:, seen] @ np.linalg.solve(among, ratio))


def _level(sold: FloatArray, index: FloatArray) -> FloatArray:
    """Return units a week at index 1 about each week, (items, past weeks)."""
    return np.asarray(_spans(sold) / np.maximum(_spans(index), 1e-9))


def _spans(values: FloatArray) -> FloatArray:
    """Return the sums over HALF_SPAN to either side of each column."""
    sums = np.cumsum(np.pad(values, ((0, 0), (HALF_SPAN + 1, HALF_SPAN))), axis=1)
    return np.asarray(sums[:, 2 * HALF_SPAN + 1 :] - sums[:, : -2 * HALF_SPAN - 1])


def _by_group(values: FloatArray, group: IntArray) -> FloatArray:
    """Return the sums of the items' rows by group, (groups, columns)."""
    sums = np.zeros((int(group.max()) + 1, values.shape[1]))
    np.add.at(sums, group, values)
    return sums
