"""Paths drawn from market beliefs: what known events, surges and disruptions may do next."""

from datetime import date

import numpy as np
from numpy.typing import NDArray

from core_modules.market_beliefs import (
    MULTIPLIERS,
    NO_EFFECT,
    EventBelief,
    MarketBeliefs,
    kind_believed,
    surge_sizes,
)
from core_modules.market_scenarios import JointEffect

FloatArray = NDArray[np.float64]


def known_effects(
    beliefs: MarketBeliefs, today: date, days: int, uniforms: FloatArray
) -> JointEffect:
    """Draw what the known events do to the next `days` days, (paths, days).

    `uniforms` is (paths, 2 a event at least): one for size and one for length.
    """
    paths = uniforms.shape[0]
    joint = JointEffect.none((paths, days))
    for number, event in enumerate(beliefs.events):
        size, length = uniforms[:, 2 * number], uniforms[:, 2 * number + 1]
        effect = draw_sizes(event.sizes, size)
        first = (event.signal.start - today).days - 1  # column 0 is tomorrow
        last = _last_columns(beliefs, event, today, length)
        column = np.arange(days)[None, :]
        acting = (column >= first) & (column <= last[:, None])
        joint = joint.joined(np.where(acting, effect[:, None], 1.0))
    return joint


def draw_sizes(sizes: FloatArray, uniforms: FloatArray) -> FloatArray:
    """Multipliers by inversion of their probabilities, the shape of `uniforms`."""
    index = np.searchsorted(np.cumsum(sizes), uniforms * sizes.sum(), side="right")
    return np.asarray(MULTIPLIERS[np.minimum(index, MULTIPLIERS.size - 1)])


def _last_columns(
    beliefs: MarketBeliefs, event: EventBelief, today: date, uniforms: FloatArray
) -> NDArray[np.int64]:
    signal = event.signal
    if signal.last_day is not None:
        return np.full(uniforms.size, (signal.last_day - today).days - 1)
    age = max((today - signal.start).days + 1, 0)  # days it has run, today included
    length = kind_believed(beliefs, signal.kind).lengths_after(max(age - 1, 0), uniforms)
    first = (signal.start - today).days - 1
    return np.asarray(first + length - 1, dtype=np.int64)


def surge_multipliers(
    beliefs: MarketBeliefs, days: int, reach: int, uniforms: FloatArray
) -> FloatArray:
    """Draw `days` days given that a surge is on or begins within `reach` days, (paths, days).

    `uniforms` is (paths, 4): on already or not, day of onset, size, length.
    """
    prior, now = beliefs.prior, beliefs.surge_probability
    already = uniforms[:, 0] * surge_chance(beliefs, reach) < now
    on = beliefs.surge.copy()
    on[NO_EFFECT] = 0.0
    fresh = draw_sizes(surge_sizes(prior), uniforms[:, 2])
    size = np.where(already, draw_sizes(on, uniforms[:, 2]), fresh) if now > 0 else fresh
    stay = 1 - 1 / prior.days
    whole = np.floor(np.log1p(-uniforms[:, 3]) / np.log(stay)) if stay > 0 else np.zeros(size.size)
    # A surge that is on may be over tomorrow; one that begins lasts a day at least.
    first = np.where(already, 0, np.floor(uniforms[:, 1] * reach))
    length = np.where(already, whole, whole + 1)
    column = np.arange(days)[None, :]
    acting = (column >= first[:, None]) & (column < (first + length)[:, None])
    return np.where(acting, size[:, None], 1.0)


def surge_chance(beliefs: MarketBeliefs, days: int) -> float:
    """Probability that a surge is on or begins within `days` days."""
    now, a_day = beliefs.surge_probability, min(beliefs.prior.surges_a_year / 365, 1.0)
    return now + (1 - now) * (1 - (1 - a_day) ** days)


def disruption_chance(beliefs: MarketBeliefs, days: int) -> float:
    """Probability that a supply disruption begins within `days` days."""
    return 1.0 - (1 - min(beliefs.prior.disruptions_a_year / 365, 1.0)) ** days


def disruption_delays(beliefs: MarketBeliefs, uniforms: FloatArray) -> NDArray[np.int64]:
    """Days by which a disruption delays the next delivery, geometric, the shape of `uniforms`."""
    if beliefs.prior.delay <= 1:
        return np.ones(uniforms.shape, dtype=np.int64)
    days = np.ceil(np.log1p(-uniforms) / np.log1p(-1 / beliefs.prior.delay))
    return np.asarray(np.maximum(days, 1), dtype=np.int64)
