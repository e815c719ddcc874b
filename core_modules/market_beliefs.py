"""What the agent believes of the market: known events, surges nobody announced, shocks to come.

Sizes are multipliers on ordinary demand and live on one grid of log-spaced values, so every belief
is a vector of probabilities, updated by Bayes' rule with the day's sales. A known event has a size
and, where its length is not told, a remaining length. Surges without a signal follow a hidden
Markov chain: ordinary days, or a surge of one of the grid's sizes, beginning and ending at the
rates of the prior; filtered it detects a surge from sales alone, run forward it is the hedge.
What events teach when they are over is in `learning`: sizes and lengths by kind, trust by source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from core_modules.learning.event_kinds import (
    EXPERIENCE_WEIGHT,
    KIND_PRIORS,
    NOTHING,
    Experience,
    KindPosterior,
    KindPrior,
    kind_posterior,
)
from core_modules.learning.event_lessons import Lesson, SizeBelief, lesson_of
from core_modules.learning.multiplier_grid import (
    MULTIPLIERS,
    NO_EFFECT,
    DayEvidence,
    effect_sizes,
    lognormal_sizes,
    point_mass,
    posterior,
)
from core_modules.learning.shock_prior import ShockPrior, surge_sizes
from core_modules.learning.signal_sources import SourceRecord, source_of
from core_modules.market_scenarios import EventKind, JointEffect, MarketSignal

__all__ = [
    "EXPERIENCE_WEIGHT",
    "KIND_PRIORS",
    "MULTIPLIERS",
    "NO_EFFECT",
    "DayEvidence",
    "EventBelief",
    "Experience",
    "KindPrior",
    "Lesson",
    "MarketBeliefs",
    "ShockPrior",
    "SourceRecord",
    "kind_believed",
    "kind_prior",
    "surge_sizes",
    "update_beliefs",
]

FloatArray = NDArray[np.float64]

TOLD_SPREAD = 0.15  # error left in a size that the source told, standard deviation of its log


@dataclass(frozen=True, slots=True)
class EventBelief:
    """What is believed of one known event."""

    signal: MarketSignal
    sizes: FloatArray  # (sizes,) probability of each of MULTIPLIERS, sums to 1

    @property
    def expected(self) -> float:
        """Expected multiplier on demand while the event runs."""
        return float(self.sizes @ MULTIPLIERS)

    def running(self, today: date) -> bool:
        """Tell whether the event acts on `today`, as far as is known."""
        last = self.signal.last_day
        return self.signal.start <= today and (last is None or today <= last)


@dataclass(frozen=True, slots=True)
class MarketBeliefs:
    """All that the agent believes of one item's market on some evening."""

    prior: ShockPrior
    events: tuple[EventBelief, ...] = ()
    surge: FloatArray = field(default_factory=lambda: point_mass(NO_EFFECT))  # (sizes,)
    experience: Mapping[EventKind, Experience] = field(default_factory=dict)
    elsewhere: Mapping[EventKind, Experience] = field(default_factory=dict)  # felt by others only
    sources: Mapping[str, SourceRecord] = field(default_factory=dict)
    lessons: tuple[Lesson, ...] = ()  # of the events found gone on this very evening

    @property
    def surge_probability(self) -> float:
        """Probability that an unannounced surge is on today."""
        return 1.0 - float(self.surge[NO_EFFECT])

    @property
    def surge_multiplier(self) -> float:
        """Expected multiplier of the unannounced surge, given that one is on."""
        on = self.surge.copy()
        on[NO_EFFECT] = 0.0
        return float(on @ MULTIPLIERS / on.sum()) if on.sum() > 0 else 1.0

    def running(self, today: date) -> tuple[EventBelief, ...]:
        """Known events that act on `today`."""
        return tuple(event for event in self.events if event.running(today))

    def multiplier_to_follow(self, today: date) -> float | None:
        """Multiplier by which today's demand speaks of ordinary demand; None: it does not."""
        known = [event.expected for event in self.running(today)]
        disturbed = any(abs(np.log(expected)) > 0.05 for expected in known)
        return None if disturbed or self.surge_probability > 0.5 else 1.0


def kind_believed(beliefs: MarketBeliefs, kind: EventKind) -> KindPosterior:
    """Return what is believed of the size and length of the next event of a kind."""
    own, others = beliefs.experience.get(kind, NOTHING), beliefs.elsewhere.get(kind, NOTHING)
    return kind_posterior(KIND_PRIORS[kind], own, others)


def kind_prior(beliefs: MarketBeliefs, kind: EventKind) -> KindPrior:
    """Return a kind's prior, corrected by what past events of the kind showed.

    Its reliability is that of the source which is named as the kind.
    """
    prior, believed = KIND_PRIORS[kind], kind_believed(beliefs, kind)
    return replace(
        prior,
        median=believed.median,
        spread=believed.spread,
        days=believed.mean_days,
        reliability=_reliability(beliefs, kind.value, prior),
    )


def _reliability(beliefs: MarketBeliefs, source: str, prior: KindPrior) -> float:
    return beliefs.sources.get(source, SourceRecord()).reliability(prior.reliability)


def update_beliefs(
    beliefs: MarketBeliefs,
    signals: Sequence[MarketSignal],
    today: date,
    evidence: DayEvidence,
) -> MarketBeliefs:
    """Take in an evening's signals and the day's sales."""
    known = _follow_signals(beliefs, signals, today)
    running = known.running(today)
    if running:
        events = tuple(
            replace(event, sizes=posterior(event.sizes, evidence, _without(event, running)))
            if event in running
            else event
            for event in known.events
        )
        # While a known event runs, its own size explains unusual sales.
        return replace(known, events=events, surge=point_mass(NO_EFFECT))
    return replace(known, surge=_filter_surge(known, evidence))


def _without(event: EventBelief, running: Sequence[EventBelief]) -> JointEffect:
    """Join what the other running events are believed to do together."""
    others = JointEffect.none((1,))
    for other in running:
        if other is not event:
            others = others.joined(other.expected)
    return others


def _follow_signals(
    beliefs: MarketBeliefs, signals: Sequence[MarketSignal], today: date
) -> MarketBeliefs:
    """Begin a belief for each new signal; close those that ended, keeping what they taught."""
    present = {signal.event_id: signal for signal in signals}
    kept = tuple(
        replace(event, signal=present[event.signal.event_id])
        for event in beliefs.events
        if event.signal.event_id in present
    )
    over = [event for event in beliefs.events if event.signal.event_id not in present]
    lessons = tuple(_lesson(beliefs, event, today) for event in over)
    learned = replace(
        beliefs,
        experience=with_events(beliefs.experience, [(one.kind, one.felt) for one in lessons]),
        sources=with_signals(beliefs.sources, lessons),
        lessons=lessons,
    )
    known = {event.signal.event_id for event in kept}
    new = tuple(
        EventBelief(signal, _prior_sizes(learned, signal))
        for signal in signals
        if signal.event_id not in known
    )
    return replace(learned, events=kept + new)


def _lesson(beliefs: MarketBeliefs, event: EventBelief, today: date) -> Lesson:
    signal, logs = event.signal, np.log(MULTIPLIERS)
    before = SizeBelief.of(_prior_sizes(beliefs, signal), logs, NO_EFFECT)
    after = SizeBelief.of(event.sizes, logs, NO_EFFECT)
    return lesson_of(signal, today, before, after, kind_believed(beliefs, signal.kind))


def with_events(
    seen: Mapping[EventKind, Experience], events: Sequence[tuple[EventKind, Experience]]
) -> Mapping[EventKind, Experience]:
    """Add events to what is known of each kind."""
    if not events:
        return seen
    longer = dict(seen)
    for kind, felt in events:
        longer[kind] = longer.get(kind, NOTHING).joined(felt)
    return longer


def with_signals(
    seen: Mapping[str, SourceRecord], lessons: Sequence[Lesson]
) -> Mapping[str, SourceRecord]:
    """Add signals, as lessons judge them, to what is known of each source."""
    if not lessons:
        return seen
    longer = dict(seen)
    for one in lessons:
        if one.real is not None:
            prior = KIND_PRIORS[one.kind].reliability
            longer[one.source] = longer.get(one.source, SourceRecord()).judged(prior, one.real)
    return longer


def _prior_sizes(beliefs: MarketBeliefs, signal: MarketSignal) -> FloatArray:
    if signal.demand == 1:  # it acts on supply or price alone
        return point_mass(NO_EFFECT)
    if signal.demand is not None:
        sizes = lognormal_sizes(max(signal.demand, float(MULTIPLIERS[0])), TOLD_SPREAD)
    else:
        sizes = effect_sizes(kind_believed(beliefs, signal.kind).size_density(MULTIPLIERS))
    trust = _reliability(beliefs, source_of(signal), KIND_PRIORS[signal.kind])
    return trust * sizes + (1 - trust) * point_mass(NO_EFFECT)


def _filter_surge(beliefs: MarketBeliefs, evidence: DayEvidence) -> FloatArray:
    """Advance the hidden chain by a day, then weigh it with the day's sales."""
    prior = beliefs.prior
    onset, ending = prior.surges_a_year / 365, 1 / prior.days
    ordinary = float(beliefs.surge[NO_EFFECT])
    on = beliefs.surge.copy()
    on[NO_EFFECT] = 0.0
    ahead = (1 - ending) * on + ordinary * onset * surge_sizes(prior)
    ahead[NO_EFFECT] += 1 - ahead.sum()
    return posterior(ahead, evidence, JointEffect.none((1,)))
