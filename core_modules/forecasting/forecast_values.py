"""One item's demand forecast: the fitted model and the sample paths drawn from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core_modules.forecasting.idle_spells import IdleLaw
from core_modules.forecasting.level_following import UNMOVED, Level
from core_modules.forecasting.observation_law import ObservationLaw
from core_modules.learning.censored_demand import imputed_demand

__all__ = ["DemandForecast", "DemandModel", "ObservationLaw", "standard_uniforms"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DemandForecast:
    """Sample paths of one item's demand for the days after `origin`."""

    unique_id: str
    origin: date  # last observed day; column 0 is the day after
    paths: IntArray  # (paths, days) units, >= 0
    mean: FloatArray  # (days,) expected units a day, >= 0
    model: str  # 'prophet', 'pooled-prophet', 'flat-level', 'zero', ...

    def quantile(self, level: float) -> FloatArray:
        """Return the `level` quantile of each day's demand, units, shape (days,)."""
        return np.asarray(np.quantile(self.paths, level, axis=0), dtype=np.float64)

    def total(self, first: int = 0, last: int | None = None) -> IntArray:
        """Return each path's total over columns first, ..., last - 1, units, shape (paths,)."""
        return np.asarray(self.paths[:, first:last].sum(axis=1), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class DemandModel:
    """One item's fitted demand model; small, picklable, and JSON by `kept` and `rebuilt`.

    Expected demand is the fitted pattern times a level that follows recent days times what the
    observation law adds to its centre times the chance that the item is not idle.
    """

    unique_id: str
    model: str  # the method that fitted it
    origin: date  # last observed day
    fitted: FloatArray  # (horizon,) units a day at level 1, first the day after origin; no events
    law: ObservationLaw
    level: Level = UNMOVED  # what recent days say of the fitted pattern
    idle: IdleLaw = IdleLaw()  # spells without any sale
    run: int = 0  # days without a sale up to now
    awake: Level | None = None  # the level when the run began; None: as now
    ceiling: float | None = None  # units a day beyond which sales move the level no more
    step: int = 1  # calendar days a period: 1 daily, 7 weekly
    event_effects: tuple[tuple[str, float], ...] = ()  # learned multipliers of past events, by name

    def __post_init__(self) -> None:
        if not np.all(np.isfinite(self.fitted)) or np.any(self.fitted < 0):
            raise ValueError(f"fitted demand of {self.unique_id!r} must be finite and >= 0")

    @property
    def expected(self) -> FloatArray:
        """Expected event-free units a day at the current level, shape (horizon,)."""
        on = self.idle.on_chances(self.run, self.fitted.size)
        return self.fitted * on * (self.level.value * self.law.mean_ratio)

    def observe(
        self, sales: float, in_stock: bool = True, multiplier: float | None = 1.0
    ) -> DemandModel:
        """Return the model one day on, its level moved by the day's sales.

        A day on which stock ran out counts with the demand to be expected behind its sales; without
        any sale it is missing. Days without a sale count the less, the surer it is that the item is
        idle.
        `multiplier` is the known effect of an event on the day's demand, None where the day tells
        nothing about ordinary demand.

        Raises ValueError where the fitted horizon is used up.
        """
        if self.fitted.size == 0:
            raise ValueError(f"the forecast horizon of {self.unique_id!r} is used up; refit it")
        tells = bool(multiplier) and float(self.fitted[0]) > 0
        idle = sales <= 0 and (self.run > 0 or (in_stock and tells))
        return replace(
            self,
            origin=self.origin + timedelta(days=self.step),
            fitted=self.fitted[1:],
            run=(self.run + (in_stock and tells)) if idle else 0,
            awake=(self.awake or self.level) if idle else None,
            level=self._level_after(sales, in_stock, multiplier) if tells else self.level,
        )

    def _level_after(self, sales: float, in_stock: bool, multiplier: float | None) -> Level:
        fitted, run = float(self.fitted[0]), self.run + 1
        actual = min(sales / (multiplier or 1.0), self.ceiling or np.inf)
        if sales <= 0 and in_stock and self.idle.spell(run):
            # What looked like falling demand was the item leaving the shelf.
            return self.awake or self.level
        if not in_stock and sales > 0:
            # Demand was at least the sales; what is to be expected of it moves the level.
            doubt = float(self.law.level_sds(1, self.level.doubt)[0])
            told = imputed_demand(
                np.array(actual),
                np.array(True),
                np.array(fitted * self.level.value),
                self.law,
                doubt,
            )
            return self.level.observe(min(float(told), self.ceiling or np.inf), fitted)
        if in_stock or actual > fitted * self.level.value:
            doubted = float(self.idle.idle_chance(run)) if sales <= 0 else 0.0
            return self.level.observe(actual, fitted * (1 - doubted))
        return self.level

    def forecast(self, days: int, uniforms: FloatArray) -> DemandForecast:
        """Draw paths for the next `days` days from uniforms (paths, 1 + days or more)."""
        paths = self.draw(uniforms[:, 0], self.law.warped(uniforms[:, 1 : 1 + days]), days)
        return DemandForecast(self.unique_id, self.origin, paths, self.expected[:days], self.model)

    def standard_forecast(
        self, paths: int, days: int, seed: int, width: int | None = None
    ) -> DemandForecast:
        """Draw as `forecast` does, from standard uniforms; see `standard_paths`."""
        drawn = self.standard_paths(paths, days, seed, width)
        return DemandForecast(self.unique_id, self.origin, drawn, self.expected[:days], self.model)

    def standard_paths(
        self, paths: int, days: int, seed: int, width: int | None = None
    ) -> IntArray:
        """Draw paths (paths, days) from the standard uniforms of `width` days, by default `days`.

        Their warp is made once a law.
        """
        width = days if width is None else width
        errors = standard_uniforms(paths, width, seed)[:, 0]
        return self.draw(errors, _standard_noise(paths, width, seed, self.law.warp)[:, :days], days)

    def draw(self, errors: FloatArray, noise: FloatArray, days: int) -> IntArray:
        """Return paths (paths, days) from a uniform a path and the law's warped noise of its days.

        Raises ValueError where the fitted horizon is shorter than `days`.
        """
        if days > self.fitted.size:
            raise ValueError(
                f"{self.unique_id!r} is fitted {self.fitted.size} days ahead, {days} were asked "
                "for; fit it with a longer horizon"
            )
        usual = self.fitted[:days] * (self.level.value * self.law.mean_ratio)
        if self.idle.start == 0:
            return self.law.draw_warped(usual, errors, noise, self.level.doubt)
        on, errors = self.idle.on_days(self.run, days, errors)
        return self.law.draw_warped(usual, errors, noise, self.level.doubt) * on


@lru_cache(maxsize=32)
def standard_uniforms(paths: int, days: int, seed: int) -> FloatArray:
    """Return quasi-random uniforms for `DemandModel.forecast`, shape (paths, 1 + days), read-only.

    A scrambled Sobol sequence, strictly inside (0, 1).

    >>> standard_uniforms(8, 2, seed=0).shape
    (8, 3)
    """
    from scipy.stats import qmc

    sampler = qmc.Sobol(1 + days, scramble=True, rng=np.random.default_rng(seed))
    # Sobol points balance only in powers of two; the rest of the block is dropped.
    block = sampler.random_base2((paths - 1).bit_length())[:paths]
    uniforms = np.clip(block, 1e-9, 1 - 1e-9)
    uniforms.setflags(write=False)
    return uniforms


@lru_cache(maxsize=64)
def _standard_noise(paths: int, days: int, seed: int, warp: tuple[float, ...]) -> FloatArray:
    """Return the standard uniforms of the days under a warp, (paths, days), read-only."""
    uniforms = np.ascontiguousarray(standard_uniforms(paths, days, seed)[:, 1:])
    noise = ObservationLaw(scale=1.0, power=1.0, warp=warp).warped(uniforms)
    noise.setflags(write=False)
    return noise
