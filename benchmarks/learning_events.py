"""Measures what is worth remembering how large and long events of a kind were.

    python benchmarks/learning_events.py

Each shop meets events whose size and length nobody tells and whose law is not the one believed
beforehand. The same market is run by a shop that forgets every event, one that learns from its own,
one that learns from those of all shops too, and one that was told the true law.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)

from collections.abc import Sequence  # noqa: E402 - the guard above comes first

import numpy as np  # noqa: E402

from benchmarks.learning_orders import paired_ratio  # noqa: E402
from benchmarks.learning_shop import (  # noqa: E402
    CALM,
    START,
    Evening,
    EventLaw,
    Shop,
    draw_events,
    event_cost,
    forgetting,
    keeping,
    run_shop,
    shop_market,
)
from core_modules.learning.lesson_sharing import share_lessons  # noqa: E402
from core_modules.market_beliefs import (  # noqa: E402
    KIND_PRIORS,
    Experience,
    MarketBeliefs,
    kind_prior,
)
from core_modules.market_events import EventKind, MarketEvent  # noqa: E402

SHOPS, DAYS, EVERY, SEED = 24, 640, 40, 21
LAWS = (
    EventLaw(EventKind.PROMOTION, 3.0, 0.2, 0.1, 4, announced=7),
    EventLaw(EventKind.COMPETITOR_STOCKOUT, 1.4, 0.15, 0.1, 5, announced=5),
    EventLaw(EventKind.VIRAL, 1.6, 0.2, 0.1, 10),
    EventLaw(EventKind.VIRAL, KIND_PRIORS[EventKind.VIRAL].median, 0.4, 0.1, 5),
)
STAGES = ((0, 1), (1, 2), (2, 4), (4, 8), (8, 16))  # occurrences, counted from 0
SURE = 500.0  # events that a law which is told counts for


def told(law: EventLaw) -> MarketBeliefs:
    """Return beliefs that know the kind's true law."""
    mean, spread = np.log(law.median), np.hypot(law.spread, law.between)
    seen = Experience(SURE, SURE, SURE * mean, SURE * float(mean**2 + spread**2), SURE * law.days)
    return MarketBeliefs(CALM, experience={law.kind: seen})


def size_errors(policy: Shop, events: Sequence[Sequence[MarketEvent]]) -> np.ndarray:
    """Return |log believed - log true multiplier| when each event is first heard of."""
    errors = []
    for shop, calendar in enumerate(events):
        row = []
        for event in calendar:
            evening = max(0, (event.start - START).days - (event.announced or 0))
            prior = kind_prior(policy.believed[evening][shop], event.kind)
            row.append(abs(np.log(prior.median) - np.log(event.demand)))
        errors.append(row)
    return np.array(errors)  # (shops, events)


def measure(law: EventLaw, rng: np.random.Generator) -> list[str]:
    """Return a line for each stage of the learning curve."""
    events = [draw_events(law, EVERY, DAYS, rng) for _ in range(SHOPS)]
    market = shop_market(events, DAYS, rng)
    blank = MarketBeliefs(CALM)
    ways: dict[str, tuple[Evening, MarketBeliefs]] = {
        "forget": (forgetting, blank),
        "own": (keeping, blank),
        "shared": (share_lessons, blank),
        "told": (keeping, told(law)),
    }
    runs = {name: run_shop(market, name, *way) for name, way in ways.items()}
    costs = {name: event_cost(cost, events) for name, (_, cost) in runs.items()}
    errors = {name: size_errors(policy, events) for name, (policy, _) in runs.items()}
    prior = KIND_PRIORS[law.kind]
    title = f"{law.kind} x{law.median:g} {law.days:g} d, believed x{prior.median:g} {prior.days} d"
    lines = []
    for first, last in STAGES:
        usual = costs["forget"][:, first:last].sum(axis=1)
        ratios = [
            paired_ratio(costs[name][:, first:last].sum(axis=1), usual) for name in list(ways)[1:]
        ]
        misses = [errors[name][:, first:last].mean() for name in ways]
        stage = f"{first + 1}" if last == first + 1 else f"{first + 1}-{last}"
        lines.append(
            f"{title:50} {stage:>5} "
            + " ".join(f"{miss:6.2f}" for miss in misses)
            + " ".join(f"{ratio:7.3f}+-{error:.3f}" for ratio, error in ratios)
        )
        title = ""
    return lines


def main() -> int:
    """Run the experiment and print its table; return the exit code."""
    rng = np.random.default_rng(SEED)
    print(f"Size and length of events: {SHOPS} shops, one event in {EVERY} days, {DAYS} days")
    print(f"{'':56} error of log size           cost of the event's days to forgetting")
    print(
        f"{'truth and belief':50} event forget    own shared   told"
        "        own         shared         told"
    )
    for law in LAWS:
        print("\n".join(measure(law, rng)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
