"""Measures what is worth remembering of who cried wolf.

    python benchmarks/learning_sources.py

Signals come five days ahead; behind a share of them there is no event. Both sources begin with the
same belief, 85 % reliable. A shop that keeps that belief is compared with one that learns from its
own signals, one that learns from those of all shops, and one that was told.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)

from collections.abc import Sequence  # noqa: E402 - the guard above comes first
from dataclasses import replace  # noqa: E402

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
    keeping,
    run_shop,
    shop_market,
)
from core_modules.learning.lesson_sharing import share_lessons  # noqa: E402
from core_modules.learning.signal_sources import SOURCE_WEIGHT, SourceRecord  # noqa: E402
from core_modules.market_beliefs import (  # noqa: E402
    KIND_PRIORS,
    MarketBeliefs,
    kind_prior,
)
from core_modules.market_events import EventKind, MarketEvent  # noqa: E402

SHOPS, DAYS, EVERY, SEED = 24, 800, 40, 31
LAWS = (
    EventLaw(EventKind.VIRAL, 3.0, 0.3, 0.1, 5, announced=5, false_share=0.1),
    EventLaw(EventKind.CELEBRITY_ENDORSEMENT, 3.0, 0.3, 0.1, 5, announced=5, false_share=0.7),
)
STAGES = ((0, 2), (2, 5), (5, 10), (10, 20))  # signals, counted from 0
SURE = 500.0  # signals that a reliability which is told counts for


def keeping_faith(beliefs: list[MarketBeliefs]) -> list[MarketBeliefs]:
    """Keep what events taught of sizes, and nothing of who signalled them."""
    return [replace(one, sources={}) if one.sources else one for one in beliefs]


def told(law: EventLaw) -> MarketBeliefs:
    """Return beliefs that know how often the source is right."""
    true = SURE * (1 - law.false_share)
    prior = KIND_PRIORS[law.kind].reliability * SOURCE_WEIGHT
    record = SourceRecord(true - prior, SURE - true)
    return MarketBeliefs(CALM, sources={law.kind.value: record})


def reliabilities(policy: Shop, events: Sequence[Sequence[MarketEvent]]) -> np.ndarray:
    """Return the reliability believed when each signal comes, (shops, signals)."""
    return np.array(
        [
            [
                kind_prior(
                    policy.believed[max(0, (event.start - START).days - (event.announced or 0))][
                        shop
                    ],
                    event.kind,
                ).reliability
                for event in calendar
            ]
            for shop, calendar in enumerate(events)
        ]
    )


def measure(law: EventLaw, rng: np.random.Generator) -> list[str]:
    """Return a line for each stage of the learning curve."""
    events = [draw_events(law, EVERY, DAYS, rng) for _ in range(SHOPS)]
    market = shop_market(events, DAYS, rng)
    blank = MarketBeliefs(CALM)
    ways: dict[str, tuple[Evening, MarketBeliefs]] = {
        "fixed": (keeping_faith, blank),
        "own": (keeping, blank),
        "shared": (share_lessons, blank),
        "told": (keeping, told(law)),
    }
    runs = {name: run_shop(market, name, *way) for name, way in ways.items()}
    costs = {name: event_cost(cost, events) for name, (_, cost) in runs.items()}
    trust = {name: reliabilities(policy, events) for name, (policy, _) in runs.items()}
    title, lines = f"{law.false_share:.0%}", []
    for first, last in STAGES:
        usual = costs["fixed"][:, first:last].sum(axis=1)
        ratios = [
            paired_ratio(costs[name][:, first:last].sum(axis=1), usual) for name in list(ways)[1:]
        ]
        lines.append(
            f"{title:12} {f'{first + 1}-{last}':>7} "
            + " ".join(f"{trust[name][:, first:last].mean():6.2f}" for name in ways)
            + " ".join(f"{ratio:7.3f}+-{error:.3f}" for ratio, error in ratios)
        )
        title = ""
    return lines


def main() -> int:
    """Run the experiment and print its table; return the exit code."""
    rng = np.random.default_rng(SEED)
    print(f"False alarms: {SHOPS} shops, one signal in {EVERY} days, {DAYS} days")
    print(f"{'':20} reliability believed          cost of the signal's days to fixed")
    print("false alarms signals  fixed    own shared   told        own         shared         told")
    for law in LAWS:
        print("\n".join(measure(law, rng)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
