"""Demand and stock as the agent sees them: weighted paths through events and shocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core_modules.belief_paths import (
    disruption_chance,
    disruption_delays,
    known_effects,
    surge_chance,
    surge_multipliers,
)
from core_modules.forecasting.forecast_values import DemandForecast, DemandModel, standard_uniforms
from core_modules.item_terms import ItemTerms
from core_modules.market_beliefs import EventBelief, MarketBeliefs, ShockPrior, kind_prior
from core_modules.ordering.order_problem import Outlook
from core_modules.ordering.stock_ahead import project_each

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LONGEST_DELAY = 14  # days of supply disruption that an order is asked to bridge at most
MOST_EVENTS = 8  # known events whose size is drawn path by path; later ones are not yet near


@dataclass(frozen=True, slots=True)
class Situation:
    """An item's stock on some evening."""

    on_hand: int  # units
    backlog: int  # units owed
    due: IntArray  # (days ahead,) confirmed deliveries, column 0 tomorrow


@dataclass(frozen=True, slots=True)
class Supply:
    """What an order placed tonight will meet, as far as is known."""

    lead_time: int  # days from tonight's order to the shelf
    filled_share: float  # 0 to 1
    disrupted: bool  # by a known event


def believed_supply(beliefs: MarketBeliefs, terms: ItemTerms, today: date) -> Supply:
    """Lengthen the lead time and cut the fill by the known events that act on supply."""
    lead_time, filled, disrupted = terms.lead_time, 1.0, False
    for event in beliefs.running(today):
        signal = event.signal
        prior = kind_prior(beliefs, signal.kind)
        extra, share = signal.lead_time_extra, signal.filled_share
        extra = prior.lead_time_extra if extra is None else extra
        share = prior.filled_share if share is None else share
        if signal.supplier_shut:
            left = (signal.last_day - today).days if signal.last_day else round(prior.days / 2)
            extra += left + 1
        if extra or share < 1:
            lead_time, filled, disrupted = lead_time + extra, filled * share, True
    return Supply(lead_time, filled, disrupted)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Weighted demand paths: without a new shock, with a surge, with a supply disruption."""

    outlook: Outlook
    multiplier_tomorrow: FloatArray  # (paths,)
    covers: IntArray  # (paths,) periods that tonight's order must serve after it arrives
    covered: FloatArray  # (paths,) units from tomorrow to the end of the cover
    forecast: DemandForecast

    @property
    def demand(self) -> FloatArray:
        """Units, (paths, periods)."""
        return self.outlook.demand

    @property
    def weights(self) -> FloatArray:
        """Shares of the paths, (paths,), sum 1."""
        return self.outlook.weights


def demand_view(
    model: DemandModel,
    beliefs: MarketBeliefs,
    terms: ItemTerms,
    today: date,
    supply: Supply,
    paths: int,
    seed: int,
) -> View:
    """Draw the paths that a decision is taken on: `paths` without a shock, a quarter of it of each.

    The second sort has a surge, the third a supply disruption; a sort without a chance is left out.
    Raises ValueError where the model's horizon is shorter than what an order must cover.
    """
    reach = supply.lead_time - 1 + terms.review_period
    days = min(reach + LONGEST_DELAY, model.fitted.size)
    if days < reach:
        raise ValueError(
            f"{terms.unique_id}: the forecast reaches {days} days ahead, the order {reach}"
        )
    forecast = model.standard_forecast(paths, days, seed)
    ahead = _Ahead(today, reach, terms.review_period, days, supply.disrupted, paths, seed)
    shocks = _shocks(beliefs, ahead)
    # A surge brings customers beyond the ordinary ones, as many whatever chance does to these.
    demand = forecast.paths[shocks.base] * shocks.known + forecast.mean * (shocks.surge - 1)
    end = supply.lead_time - 2 + shocks.covers  # column of the last day that the order must serve
    level_sd = model.law.level_sds(days, model.level.doubt)[days // 2]
    return View(
        outlook=Outlook(
            demand=demand,
            weights=shocks.weights,
            mean=forecast.mean,
            variance=forecast.paths.var(axis=0),
            known=shocks.known,
            surge=shocks.beside_known,
            surge_stays=1 - 1 / beliefs.prior.days,
            level_variance=float(level_sd) ** 2,
            resumes=np.where(shocks.covers > terms.review_period, end + 1, 0),
        ),
        multiplier_tomorrow=shocks.known[:, 0] + shocks.surge[:, 0] - 1,
        covers=shocks.covers,
        covered=demand.cumsum(axis=1)[np.arange(shocks.base.size), end],
        forecast=forecast,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Shocks:
    """What events, surges and disruptions do to paths; items share it, so it is not written to."""

    base: IntArray  # (paths,) which path of the forecast each is
    weights: FloatArray  # (paths,) sum 1
    known: FloatArray  # (paths, days) multiplier of the known events
    surge: FloatArray  # (paths, days) multiplier of an unannounced surge
    beside_known: FloatArray  # (paths, days) what the surge multiplies the known events' effect by
    covers: IntArray  # (paths,) days that tonight's order must serve after it arrives


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What shocks are drawn for; many items have it in common."""

    today: date
    reach: int  # days until the delivery after tonight's order
    review_period: int  # days
    days: int  # of the paths
    disrupted: bool  # a disruption is on
    paths: int
    seed: int


def _shocks(beliefs: MarketBeliefs, ahead: _Ahead) -> _Shocks:
    if beliefs.events or beliefs.surge_probability > 0:
        return _drawn_shocks(beliefs, ahead)
    return _calm_shocks(beliefs.prior, ahead)


@lru_cache(maxsize=32)
def _calm_shocks(prior: ShockPrior, ahead: _Ahead) -> _Shocks:
    """Draw the shocks where nothing is on or announced: they follow from the prior alone."""
    return _drawn_shocks(MarketBeliefs(prior), ahead)


def _drawn_shocks(beliefs: MarketBeliefs, ahead: _Ahead) -> _Shocks:
    days, paths = ahead.days, ahead.paths
    chances = standard_uniforms(paths, 2 * MOST_EVENTS + 4, ahead.seed + 1)
    near = replace(beliefs, events=_nearest(beliefs.events))
    effects = known_effects(near, ahead.today, days, chances[:, : 2 * MOST_EVENTS])
    surging = surge_chance(beliefs, ahead.reach)
    # While a disruption is on, the next order is late together with this one, not after it.
    late_chance = 0.0 if ahead.disrupted else disruption_chance(beliefs, ahead.review_period)
    few = max(paths // 4, 1)
    calm, stormy = np.arange(paths), np.arange(few if surging > 0 else 0)
    late = np.arange(few if late_chance > 0 else 0)
    base = np.concatenate([calm, stormy, late])
    weights = np.concatenate(
        [
            np.full(calm.size, (1 - surging) * (1 - late_chance) / calm.size),
            np.full(stormy.size, surging * (1 - late_chance) / max(stormy.size, 1)),
            np.full(late.size, late_chance / max(late.size, 1)),
        ]
    )
    known = np.ascontiguousarray(effects.multiplier[base])
    surge = np.ones((base.size, days))
    drawn = surge_multipliers(beliefs, days, ahead.reach, chances[stormy, 2 * MOST_EVENTS : -1])
    surge[paths : paths + stormy.size] = drawn
    covers = np.full(base.size, ahead.review_period, dtype=np.int64)
    delays = disruption_delays(beliefs, chances[late, -1])
    covers[paths + stormy.size :] += np.minimum(delays, days - ahead.reach)
    return _Shocks(
        base=base,
        weights=weights / weights.sum(),
        known=known,
        surge=surge,
        # The events known add to a surge, where the outlook multiplies.
        beside_known=(known + surge - 1) / known,
        covers=covers,
    )


def _nearest(events: tuple[EventBelief, ...]) -> tuple[EventBelief, ...]:
    return tuple(sorted(events, key=lambda event: event.signal.start)[:MOST_EVENTS])


@dataclass(frozen=True, slots=True)
class Projection:
    """Stock along each path, without tonight's order."""

    stock: FloatArray  # (paths,) units when the order arrives, without it
    need: FloatArray  # (paths,) units short until the next delivery; negative: units to spare
    lost_before: FloatArray  # (paths,) units short before the order arrives


def project(view: View, situation: Situation, lead_time: int, backorders: bool) -> Projection:
    """Carry stock along each path; what is short on the way is lost, or owed under backorders."""
    days = view.demand.shape[1]
    due = np.zeros(days)
    reach = min(days, situation.due.size)
    due[:reach] = situation.due[:reach]
    stock = np.empty(view.weights.size)
    need, lost = np.empty_like(stock), np.empty_like(stock)
    before = float(situation.on_hand - situation.backlog)
    project_each(view.demand, due, view.covers, before, lead_time, backorders, stock, need, lost)
    return Projection(stock=stock, need=need, lost_before=lost)


def weighted_quantile(values: FloatArray, weights: FloatArray, level: float) -> float:
    """Return the smallest value whose share of the weights, with all below it, reaches `level`."""
    order = np.argsort(values, kind="stable")
    reached = np.searchsorted(np.cumsum(weights[order]), level - 1e-12)
    return float(values[order[min(int(reached), values.size - 1)]])
