"""Idle spells: runs of days without a sale too long for chance, as when an item is off the shelf.

Files seldom say that an item was out of stock or delisted; they show zeros. Read as demand, such a
spell pulls the level to nothing, and the item looks dead until long after it is back. So a run of
`patience` days without a sale is a spell: its days say nothing of demand, and what is forecast is
when it ends. A shorter run becomes a spell with a chance that grows with its length.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core_modules.forecasting.idle_runs import (
    on_paths,
    patience_of,
    run_lengths,
    runs,
    spell_counts,
)

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

SHORTEST_SPELL = 7  # days without a sale
RARE = 1e-3  # chance of so many days without a sale in a row, below which it is not chance
ROUNDS = 4  # of estimating days without a sale and spells in turn
ITEM_DAYS = 365.0  # days of the batch's evidence beside an item's own
ITEM_RUNS = 20.0  # runs of the batch's evidence beside an item's own
LEAST_DAYS = 60  # observed days below which an item shows no spells
NEVER = 10**9  # the patience of an item without spells
AGES = (9, 13, 27, 55)  # days in a spell after which its end grows less likely


@dataclass(frozen=True, slots=True)
class IdleLaw:
    """How idle spells of one item come and go; the default has none."""

    patience: int = NEVER  # days without a sale that make a spell, >= 2
    becomes: float = 0.0  # chance that a day without a sale after a sale begins a spell, 0 to 1
    start: float = 0.0  # chance that a spell begins on a day that is on, 0 to 1
    ends: tuple[float, ...] = (1.0,) * (len(AGES) + 1)  # that one ends on a day, by age: AGES

    def stays_idle(self, run: int, days: int) -> FloatArray:
        """Return the chance that an idle item is still idle on each of the days ahead, (days,)."""
        return _stays_idle(self.ends, run, days)

    def idle_chance(self, run: IntArray | int) -> FloatArray:
        """Return the probability of being in a spell after `run` days without a sale, elementwise.

        >>> law = IdleLaw(patience=7, becomes=0.01, start=0.001)
        >>> law.idle_chance(np.array([0, 1, 4, 7, 9])).round(3).tolist()
        [0.0, 0.01, 0.1, 1.0, 1.0]
        """
        days = np.asarray(run)
        if self.start == 0:
            return np.zeros(days.shape)
        left = np.minimum(np.maximum((self.patience - days) / (self.patience - 1), 0.0), 1.0)
        return np.asarray(np.where(days > 0, self.becomes**left, 0.0))

    def spell(self, run: int) -> bool:
        """Return whether a run of so many days without a sale is a spell."""
        return self.start > 0 and run >= self.patience

    def on_chances(self, run: int, days: int) -> FloatArray:
        """Return the probability of being on for each of the days ahead, shape (days,).

        Spells that would begin and end within the days ahead are counted as not yet over.
        """
        if self.start == 0:
            return np.ones(days)
        idle = float(self.idle_chance(run))
        awake = (1 - self.start) ** np.arange(1, days + 1)
        return np.asarray((1 - idle) * awake + idle * (1 - self.stays_idle(run, days)))

    def on_days(self, run: int, days: int, uniforms: FloatArray) -> tuple[BoolArray, FloatArray]:
        """Draw which days ahead are on, (paths, days), from one uniform a path.

        The lower end of the uniforms is idle now, and on again the later the lower; then come the
        paths that fall idle, the sooner the lower: a higher uniform never means fewer days on. The
        second value is what remains of each uniform for the level error, (paths,).
        """
        fallen = np.asarray(1 - (1 - self.start) ** np.arange(1, days + 1), dtype=np.float64)
        idle = float(self.idle_chance(run))
        return on_paths(uniforms, idle, self.stays_idle(run, days), fallen)


@lru_cache(maxsize=1024)
def _stays_idle(ends: tuple[float, ...], run: int, days: int) -> FloatArray:
    """Return `IdleLaw.stays_idle`, read-only; the items of a batch share their ends."""
    age = np.searchsorted(AGES, run + np.arange(days))
    chances = np.cumprod(1 - np.array(ends)[age])
    chances.setflags(write=False)
    return chances


def runs_without_sale(actual: FloatArray) -> IntArray:
    """Return how many days in a row, up to each, sold nothing; missing days leave the run, (days,).

    >>> runs_without_sale(np.array([2.0, 0.0, np.nan, 0.0, 1.0])).tolist()
    [0, 1, 1, 2, 0]
    """
    return np.asarray(runs(actual))


def idle_days(actual: FloatArray, law: IdleLaw) -> BoolArray:
    """Return the days that lie in a spell, seen from now, (days,)."""
    if law.patience >= NEVER:
        return np.zeros(actual.size, dtype=np.bool_)
    return np.asarray((run_lengths(runs(actual)) >= law.patience) & (actual == 0))


def fit_idle_laws(series: Sequence[FloatArray]) -> list[IdleLaw]:
    """Estimate each item's idle law, its chances drawn towards the batch's.

    `series` are units a day, NaN where missing or closed. Without a spell in the whole batch no
    item has any.
    """
    patience = [_patience(actual) for actual in series]
    counts = np.array(
        [_counts(actual, days) for actual, days in zip(series, patience, strict=True)]
    )
    pooled = counts.sum(axis=0)
    if pooled[0] == 0:
        return [IdleLaw() for _ in series]
    # Ends are few, so they are the batch's; so little that no age is held to be without end.
    idle, ended = pooled[3:].reshape(2, -1)
    ends = tuple(((ended + 0.5) / (idle + 20.0)).tolist())
    becomes, start = pooled[0] / pooled[1], pooled[0] / pooled[2]
    return [
        IdleLaw(
            patience=days,
            becomes=float((own[0] + ITEM_RUNS * becomes) / (own[1] + ITEM_RUNS)),
            start=float((own[0] + ITEM_DAYS * start) / (own[2] + ITEM_DAYS)),
            ends=ends,
        )
        if days < NEVER
        else IdleLaw()
        for days, own in zip(patience, counts, strict=True)
    ]


def _patience(actual: FloatArray) -> int:
    """Return the days without a sale that chance does not explain; the default where none do."""
    known = actual[~np.isnan(actual)]
    if known.size < LEAST_DAYS or not known.any():
        return NEVER
    return int(patience_of(known, SHORTEST_SPELL, RARE, ROUNDS, NEVER))


def _counts(actual: FloatArray, patience: int) -> FloatArray:
    """Count spells, runs without a sale, days on, and idle days and ends of spells by age."""
    known = actual[~np.isnan(actual)]
    counts = np.zeros(3 + 2 * (len(AGES) + 1))
    if known.size and patience < NEVER:
        spell_counts(known, patience, np.array(AGES), counts)
    return counts
