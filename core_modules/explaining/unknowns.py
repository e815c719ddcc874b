"""What was not known when a decision was taken, one line a gap."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from core_modules.belief_paths import disruption_chance, surge_chance
from core_modules.market_beliefs import MULTIPLIERS, NO_EFFECT, EventBelief, kind_prior
from core_modules.reporting.report_wording import percent, plural

if TYPE_CHECKING:
    from core_modules.inventory_agent import Evening, ItemState, Situation
    from core_modules.item_terms import ItemTerms

LEAST = 0.001  # chance below which a shock is not worth a line
OWN_MODELS = ("prophet", "pooled-prophet")  # fitted to the item's own seasons, or to its group's


def what_was_not_known(
    state: ItemState, terms: ItemTerms, today: date, situation: Situation, evening: Evening
) -> tuple[str, ...]:
    """Name the gaps behind a decision, those of the forecast first."""
    return (
        *_forecast(state, situation, evening),
        *(line for event in state.beliefs.events for line in _event(state, event, today)),
        *_shocks(state, terms, evening),
        _supply(terms, evening),
    )


def _forecast(state: ItemState, situation: Situation, evening: Evening) -> list[str]:
    model, days = state.model, evening.supply.lead_time
    level = float(np.sqrt(evening.view.outlook.level_variance))
    spread = f"{_range(evening)} units expected on the day of arrival in 8 cases of 10"
    lines = [
        f"the level of demand: known to {100 * level:.0f} % (one standard deviation); {spread}"
    ]
    if not model.model.startswith(OWN_MODELS):
        lines.append(
            f"the item's own seasons and trend: its history is too short or too thin, the forecast "
            f"is {model.model!r}"
        )
    if model.run:
        lines.append(
            f"whether the item still sells: no sale in the last {plural(model.run, 'period')}"
        )
    if situation.on_hand == 0:
        lines.append("today's demand: stock ran out, so sales are only the least it can have been")
    if days > model.fitted.size:
        lines.append(f"demand beyond the forecast's {model.fitted.size} periods")
    return lines


def _range(evening: Evening) -> str:
    arriving = evening.view.forecast.paths[:, evening.supply.lead_time - 1]
    low, high = np.quantile(arriving, (0.1, 0.9))
    return f"{low:,.0f} to {high:,.0f}"


def _event(state: ItemState, event: EventBelief, today: date) -> list[str]:
    signal, label = event.signal, event.signal.label
    lines = []
    empty = float(event.sizes[NO_EFFECT])
    if signal.demand is None:
        low, high = _size_range(event)
        lines.append(
            f"the size of {label}: not told, believed x{event.expected:.1f} "
            f"(x{low:.1f} to x{high:.1f} in 8 cases of 10)"
        )
    if LEAST < empty < 1 - LEAST:
        lines.append(f"whether {label} is real: {100 * empty:.0f} % that it has no effect")
    if signal.last_day is None:
        usual = kind_prior(state.beliefs, signal.kind).days
        age = max((today - signal.start).days + 1, 0)
        lines.append(
            f"the length of {label}: not told, such events last {usual:.0f} days and this one has "
            f"run {age}"
        )
    return lines


def _size_range(event: EventBelief) -> tuple[float, float]:
    reached = np.cumsum(event.sizes) / event.sizes.sum()
    low, high = np.searchsorted(reached, (0.1, 0.9))
    return float(MULTIPLIERS[low]), float(MULTIPLIERS[min(int(high), MULTIPLIERS.size - 1)])


def _shocks(state: ItemState, terms: ItemTerms, evening: Evening) -> list[str]:
    beliefs, lines = state.beliefs, []
    reach = evening.supply.lead_time - 1 + terms.review_period
    if beliefs.surge_probability > LEAST:
        lines.append(
            f"whether a surge that nobody announced is on: {percent(beliefs.surge_probability)}, "
            f"then about x{beliefs.surge_multiplier:.1f}"
        )
    begins = surge_chance(beliefs, reach)
    if begins > LEAST:
        lines.append(
            f"surges to come without a signal: {percent(begins)} that one acts in the {reach} "
            f"periods which the order must cover, by x{beliefs.prior.size:.1f} or so"
        )
    late = disruption_chance(beliefs, terms.review_period)
    if late > LEAST and not evening.supply.disrupted:
        lines.append(f"supply disruptions to come: {percent(late)} that the next delivery is late")
    return lines


def _supply(terms: ItemTerms, evening: Evening) -> str:
    supply = evening.supply
    usual = f"taken as {plural(supply.lead_time, 'period')}"
    if supply.disrupted:
        filled = f"and {100 * supply.filled_share:.0f} % filled, as the disruption is believed"
        return f"the day of arrival: {usual} instead of {terms.lead_time} {filled}"
    return f"the day of arrival: {usual}, as the terms say"
