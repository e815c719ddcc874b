"""One evening of one item: what it shows is taken in, and what of it later fits may learn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from core_modules.inventory_agent import ItemState, observe
from core_modules.item_terms import ItemTerms
from core_modules.learning.censored_demand import demand_behind
from core_modules.market_scenarios import MarketSignal


@dataclass(frozen=True, slots=True)
class SeenEvening:
    """An item's state after a day, and the day as part of its history."""

    state: ItemState
    demand: float  # units, what is to be expected behind the sales of a stockout day
    tells: bool  # False: the day says nothing of ordinary demand, and is missing in a fit


def take_in(
    before: ItemState,
    terms: ItemTerms,
    today: date,
    sales: int,
    ran_out: bool,
    signals: Sequence[MarketSignal],
) -> SeenEvening:
    """Observe a day, and judge it by what was believed the evening before."""
    state = observe(before, terms, today, sales, ran_out, signals)
    hidden = state.beliefs.multiplier_to_follow(today) is None
    # A day without stock and without a sale tells nothing of demand.
    tells = not (hidden or (ran_out and sales == 0))
    demand = demand_behind(before.model, sales, ran_out and tells)
    return SeenEvening(state, demand, tells)
