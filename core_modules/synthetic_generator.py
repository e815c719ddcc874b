"""Demand from patterns and scenarios: items x paths x days of whole units, the same luck for all.

Each item draws from a stream of its own that `rng` spawns, and draws do not depend on scenarios:
with the same seed, the same path of the same item has the same luck under every scenario.
"""

import math
from collections.abc import Sequence
from datetime import date

import numpy as np
from numba import njit

from core_modules.demand_law import FloatArray, IntArray, negative_binomial_quantile
from core_modules.demand_pattern import DemandPattern, Memory
from core_modules.market_scenarios import ScenarioEffects
from core_modules.patterns.expected_demand import expected_demand
from core_modules.patterns.pattern_memory import moving_average
from core_modules.reference_demand import (
    demo_history,
    demo_pattern,
    reference_demand,
    reference_mean,
)

__all__ = [
    "demo_history",
    "demo_pattern",
    "draw",
    "expected_demand",
    "generate_demand",
    "reference_demand",
    "reference_mean",
    "uniforms_with_memory",
]

BELOW_ONE = 1.0 - 2.0**-53

Effects = ScenarioEffects | Sequence[ScenarioEffects] | None


def generate_demand(
    patterns: Sequence[DemandPattern],
    effects: Effects,
    start: date,
    days: int,
    paths: int,
    rng: np.random.Generator,
) -> IntArray:
    """Return demand in whole units, shape (items, paths, days), from `start` on.

    `effects` acts on every item, or holds one entry an item; None: no event. Weekly patterns take
    one column a week. Autocorrelation comes from a Gaussian copula: normal scores with the
    pattern's memory, turned into uniforms and then into demand by the law's quantiles.

    Raises ValueError for days or paths below 1, and for effects of another length.
    """
    if days < 1 or paths < 1:
        raise ValueError(f"days and paths must be >= 1, got {days} and {paths}")
    demand = np.empty((len(patterns), paths, days), dtype=np.int64)
    streams = rng.spawn(len(patterns))
    for number, (pattern, stream) in enumerate(zip(patterns, streams, strict=True)):
        step = 7 if pattern.freq == "W" else 1
        dates = np.datetime64(start, "D") + step * np.arange(days)
        mean = expected_demand(pattern, dates) * _multiplier(effects, number, len(patterns), days)
        u = uniforms_with_memory(pattern.memory, paths, days, stream)
        demand[number] = draw(pattern, mean, u)
    return demand


def _multiplier(effects: Effects, number: int, items: int, days: int) -> FloatArray | float:
    if effects is None:
        return 1.0
    if not isinstance(effects, ScenarioEffects):
        if len(effects) != items:
            raise ValueError(f"effects must be one or {items}, one an item, got {len(effects)}")
        effects = effects[number]
    if len(effects.demand_multiplier) != days:
        raise ValueError(f"effects cover {len(effects.demand_multiplier)} days, not {days}")
    return effects.demand_multiplier


def draw(pattern: DemandPattern, mean: FloatArray, u: FloatArray) -> IntArray:
    """Return the demand of uniforms (paths, days) under the pattern's law about `mean` (days,)."""
    shape = 1 / pattern.dispersion if pattern.dispersion > 0 else np.inf
    zeros = pattern.extra_zeros
    if zeros == 0:
        return negative_binomial_quantile(u, mean, shape)
    sold = negative_binomial_quantile(
        np.maximum(u - zeros, 0) / (1 - zeros), mean / (1 - zeros), shape
    )
    return np.where(u < zeros, 0, sold)


def uniforms_with_memory(
    memory: Memory, paths: int, days: int, rng: np.random.Generator
) -> FloatArray:
    """Return uniforms whose normal scores have the memory's autocorrelation, (paths, days)."""
    if memory.strength == 0 or memory.decay == 0:
        return rng.random((paths, days))
    theta, variance = moving_average(memory)
    return _remember(rng.standard_normal((paths, days + 1)), memory.decay, theta, variance)


@njit(cache=True)
def _remember(noise: FloatArray, decay: float, theta: float, variance: float) -> FloatArray:
    """Turn white noise (paths, days + 1) into uniforms with memory (paths, days).

    The ARMA(1,1) form needs one normal a day, and one more to start in its stride.
    """
    paths, columns = noise.shape
    uniforms = np.empty((paths, columns - 1))
    root = math.sqrt(variance)
    start = math.sqrt(max(0.0, variance * (1 - variance)))
    for path in range(paths):
        z = noise[path, 0]
        e = variance * z + start * noise[path, 1]  # the innovation, given its score
        for day in range(columns - 1):
            if day > 0:
                fresh = root * noise[path, day + 1]
                z = decay * z + fresh - theta * e
                e = fresh
            uniforms[path, day] = min(0.5 * math.erfc(-z * math.sqrt(0.5)), BELOW_ONE)
    return uniforms
