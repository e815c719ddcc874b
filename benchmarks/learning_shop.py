"""A shop in a market of known events, and the policy that the experiments on events compare."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from benchmarks.learning_orders import FloatArray, item_terms, newsvendor_orders, units_short
from core_modules.belief_paths import known_effects
from core_modules.demand_law import negative_binomial_quantile
from core_modules.forecasting.forecast_values import standard_uniforms
from core_modules.inventory import IntArray
from core_modules.market import Market, build_market
from core_modules.market_beliefs import (
    DayEvidence,
    MarketBeliefs,
    ShockPrior,
    update_beliefs,
)
from core_modules.market_events import EventKind, MarketEvent
from core_modules.simulation import Observation, SimulationResult, simulate

START = date(2024, 1, 1)
MEAN, SHAPE = 20.0, 20.0  # ordinary demand a day: negative binomial, variance 20 + 20**2 / 20
LEAD_TIME, PENALTY, PATHS = 3, 9.0, 128
AFTER = 4  # days after an event that its cost still counts
CALM = ShockPrior(surges_a_year=0, disruptions_a_year=0)

Evening = Callable[[list[MarketBeliefs]], list[MarketBeliefs]]


@dataclass(frozen=True, slots=True)
class EventLaw:
    """The true law of a kind's events, which no policy is told."""

    kind: EventKind
    median: float  # multiplier on demand of the mean item
    spread: float  # standard deviation of the log multiplier of an item's events
    between: float  # of items' own means
    days: float  # mean length
    announced: int | None = None  # days of notice; None: noticed on the first evening
    false_share: float = 0.0  # of signals that nothing follows


def draw_events(
    law: EventLaw, every: int, days: int, rng: np.random.Generator
) -> tuple[MarketEvent, ...]:
    """Draw one item's events: one in each stretch of `every` days."""
    own = law.median * np.exp(law.between * rng.standard_normal())
    events = []
    for number in range(days // every):
        length = 1 + int(min(rng.poisson(law.days - 1), every // 2))
        first = number * every + int(rng.integers(8, every - length - AFTER))
        events.append(
            MarketEvent(
                f"{law.kind}-{number}-{rng.integers(10**9)}",
                law.kind,
                START + timedelta(days=first),
                length,
                demand=float(own * np.exp(law.spread * rng.standard_normal())),
                announced=law.announced,
                size_told=False,
                length_told=False,
                false_alarm=bool(rng.random() < law.false_share),
            )
        )
    return tuple(events)


def shop_market(
    events: Sequence[Sequence[MarketEvent]], days: int, rng: np.random.Generator
) -> Market:
    """Build the market of one item for each calendar, a replication each."""
    ordinary = negative_binomial_quantile(rng.random((len(events), days)), MEAN, SHAPE)
    multiplier = np.ones((len(events), days))
    for row, calendar in enumerate(events):
        for event in calendar:
            if not event.false_alarm:
                first = (event.start - START).days
                multiplier[row, first : first + event.days] = event.demand
    demand = np.floor(ordinary * multiplier + 0.5).astype(np.int64)
    return build_market(START, demand[None], item_terms(1, LEAD_TIME, PENALTY), events)


class Shop:
    """Orders by what it believes of events; `evening` decides what it keeps of their lessons."""

    def __init__(self, name: str, shops: int, evening: Evening, opening: MarketBeliefs) -> None:
        self.name, self._evening = name, evening
        self._beliefs = [opening] * shops
        noise = standard_uniforms(PATHS, LEAD_TIME, 1)[:, 1:]
        self._ordinary = negative_binomial_quantile(noise, MEAN, SHAPE)  # (paths, days)
        self._chances = np.asarray(standard_uniforms(PATHS, 8, 2)[:, 1:])
        self._terms = item_terms(1, LEAD_TIME, PENALTY)
        self.believed: list[list[MarketBeliefs]] = []  # by evening, then by shop

    def order(self, observation: Observation) -> IntArray:
        """Take in the evening, then order for the day of arrival, (1, shops)."""
        shops = observation.on_hand.shape[1]
        updated = [
            update_beliefs(
                self._beliefs[shop],
                observation.signals(shop),
                observation.today,
                DayEvidence(
                    sales=int(observation.sales[0, shop]),
                    ran_out=bool(observation.ran_out[0, shop]),
                    expected=MEAN,
                    variation=(1 / MEAN + 1 / SHAPE) ** 0.5,
                ),
            )
            for shop in range(shops)
        ]
        self._beliefs = self._evening(updated)
        self.believed.append(self._beliefs)
        demand = np.stack([self._demand(one, observation.today) for one in self._beliefs])
        due = np.zeros((shops, LEAD_TIME), dtype=np.int64)
        known = observation.due[0, :, :LEAD_TIME]
        due[:, : known.shape[1]] = known
        arrives = np.full(demand.shape[:2], LEAD_TIME)
        short = units_short(demand, observation.on_hand[0], due, arrives, np.ones_like(arrives))
        return newsvendor_orders(short, self._terms)[None]

    def _demand(self, beliefs: MarketBeliefs, today: date) -> IntArray:
        if not beliefs.events:
            return self._ordinary
        effects = known_effects(beliefs, today, LEAD_TIME, self._chances)
        return np.floor(self._ordinary * effects.multiplier + 0.5).astype(np.int64)


def keeping(beliefs: list[MarketBeliefs]) -> list[MarketBeliefs]:
    """Keep what each shop learned from its own events."""
    return beliefs


def forgetting(beliefs: list[MarketBeliefs]) -> list[MarketBeliefs]:
    """Keep nothing of past events."""
    return [replace(one, experience={}, sources={}) if one.experience else one for one in beliefs]


def run_shop(
    market: Market, name: str, evening: Evening, opening: MarketBeliefs
) -> tuple[Shop, FloatArray]:
    """Run one way to learn through a market: the policy, and its cost by day, (shops, days)."""
    policy = Shop(name, market.shape[1], evening, opening)
    stock = np.array([int(MEAN * LEAD_TIME)])
    result = simulate(market, item_terms(1, LEAD_TIME, PENALTY), stock, policy)
    return policy, cost_by_day(result)


def cost_by_day(result: SimulationResult) -> FloatArray:
    """Return money for holding and lost sales, (shops, days)."""
    terms = item_terms(1, LEAD_TIME, PENALTY)[0]
    held, lost = result.on_hand[0], result.unmet[0]
    return np.asarray(terms.holding_cost * held + terms.shortage_cost * lost)


def event_cost(cost: FloatArray, events: Sequence[Sequence[MarketEvent]]) -> FloatArray:
    """Return the cost of each event from its signal to some days after it, (shops, events)."""
    spans = [[_span(event) for event in calendar] for calendar in events]
    return np.array(
        [[cost[shop, first:last].sum() for first, last in row] for shop, row in enumerate(spans)]
    )


def _span(event: MarketEvent) -> tuple[int, int]:
    first = (event.start - START).days
    return max(0, first - (event.announced or 0)), first + event.days + AFTER
