"""What the agent believes of the market: known events, surges nobody announced, shocks to come.

Sizes are multipliers on ordinary demand and live on one grid of log-spaced values, so every belief
is a vector of probabilities, updated by Bayes' rule with the day's sales. A known event has a size
and, where its length is not told, a remaining length. Surges without a signal follow a hidden
Markov chain: ordinary days, or a surge of one of the grid's sizes, beginning and ending at the
rates of the prior; filtered it detects a surge from sales alone, run forward it is the hedge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import special

from core_modules.market_scenarios import EventKind, JointEffect, MarketSignal

FloatArray = NDArray[np.float64]

MULTIPLIERS: FloatArray = np.exp(np.linspace(np.log(0.1), np.log(10.0), 47))  # (sizes,)
NO_EFFECT = 23  # index of the multiplier 1
LENGTH_SPREAD = 0.6  # coefficient of variation of event lengths, a wide prior
TOLD_SPREAD = 0.15  # error left in a size that the source told, standard deviation of its log
EXPERIENCE_WEIGHT = 2.0  # past events that a kind's prior counts for


@dataclass(frozen=True, slots=True)
class KindPrior:
    """What is expected of one kind of event before one has been seen."""

    median: float  # multiplier on demand
    spread: float  # standard deviation of its logarithm
    days: float  # mean length
    reliability: float = 1.0  # probability that a signal is true
    lead_time_extra: int = 0  # days
    filled_share: float = 1.0  # 0 to 1


KIND_PRIORS: Mapping[EventKind, KindPrior] = MappingProxyType(
    {
        EventKind.VIRAL: KindPrior(3.0, 0.4, 5, reliability=0.85),
        EventKind.CELEBRITY_ENDORSEMENT: KindPrior(3.0, 0.4, 5, reliability=0.85),
        EventKind.COMPETITOR_STOCKOUT: KindPrior(2.0, 0.3, 10, reliability=0.85),
        EventKind.COMPETITOR_PRICE_CUT: KindPrior(0.7, 0.3, 14, reliability=0.85),
        EventKind.BLACK_FRIDAY: KindPrior(4.0, 0.4, 4),
        EventKind.POST_HOLIDAY_CLEARANCE: KindPrior(0.6, 0.3, 14),
        EventKind.ECONOMIC_DOWNTURN: KindPrior(0.7, 0.25, 20),
        EventKind.PROMOTION: KindPrior(1.7, 0.3, 7),
        EventKind.SUPPLY_DISRUPTION: KindPrior(0.8, 0.4, 10, lead_time_extra=4, filled_share=0.7),
    }
)


@dataclass(frozen=True, slots=True)
class ShockPrior:
    """How often, how large and how long shocks are that come without warning.

    The default is what the superseded demo's calendar shows in a year: three surges (x3.5 for 3
    days, x2.2 for 11, x4 for 5) and one supply disruption of 14 days.
    """

    surges_a_year: float = 3.0  # >= 0
    size: float = 3.1  # median multiplier, > 1
    spread: float = 0.4  # standard deviation of its logarithm, > 0
    days: float = 6.0  # mean length, >= 1
    disruptions_a_year: float = 1.0  # >= 0
    delay: float = 6.0  # mean days by which a disruption delays the next delivery, >= 1

    def __post_init__(self) -> None:
        if self.surges_a_year < 0 or self.disruptions_a_year < 0:
            raise ValueError("shocks a year must be >= 0")
        if self.size <= 1 or self.spread <= 0 or self.days < 1 or self.delay < 1:
            raise ValueError(f"a shock needs size > 1, spread > 0 and lengths >= 1 day: {self}")

    def scaled(self, factor: float) -> ShockPrior:
        """Return the prior with shocks `factor` times as frequent."""
        return replace(
            self,
            surges_a_year=self.surges_a_year * factor,
            disruptions_a_year=self.disruptions_a_year * factor,
        )

    def learned(self, sizes: Sequence[float], days: Sequence[int], years: float) -> ShockPrior:
        """Correct the prior by the surges found in `years` of an item's history.

        A history that shows none leaves the prior as it is: such a record is as likely to have been
        cleaned as to be free of shocks. Rates and lengths are means, sizes geometric means,
        in which the prior counts for `EXPERIENCE_WEIGHT` years and events.
        """
        if not sizes:
            return self
        weight, count = EXPERIENCE_WEIGHT, len(sizes)
        log_size = weight * np.log(self.size) + np.log(sizes).sum()
        return replace(
            self,
            surges_a_year=(weight * self.surges_a_year + count) / (weight + years),
            size=max(1.05, float(np.exp(log_size / (weight + count)))),
            days=max(1.0, float((weight * self.days + sum(days)) / (weight + count))),
        )


@dataclass(frozen=True, slots=True)
class DayEvidence:
    """A day's sales against what ordinary demand would have been."""

    sales: float  # units sold
    ran_out: bool  # demand was at least the sales
    expected: float  # units, ordinary demand at the level of the day, >= 0
    variation: float  # coefficient of variation of a day's demand about `expected`, >= 0


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
class Experience:
    """What past events of one kind showed."""

    count: float = 0.0  # events, by the probability that they were real
    log_sizes: float = 0.0  # sum of their log multipliers
    days: float = 0.0  # sum of their lengths
    false_alarms: float = 0.0  # signals that turned out empty


@dataclass(frozen=True, slots=True)
class MarketBeliefs:
    """All that the agent believes of one item's market on some evening."""

    prior: ShockPrior
    events: tuple[EventBelief, ...] = ()
    surge: FloatArray = field(default_factory=lambda: _point_mass(NO_EFFECT))  # (sizes,)
    experience: Mapping[EventKind, Experience] = field(default_factory=dict)

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


def kind_prior(beliefs: MarketBeliefs, kind: EventKind) -> KindPrior:
    """Return a kind's prior, corrected by what past events of the kind showed."""
    prior, seen = KIND_PRIORS[kind], beliefs.experience.get(kind, Experience())
    weight = EXPERIENCE_WEIGHT
    trusted = weight * prior.reliability + seen.count
    return replace(
        prior,
        median=float(
            np.exp((weight * np.log(prior.median) + seen.log_sizes) / (weight + seen.count))
        ),
        days=(weight * prior.days + seen.days) / (weight + seen.count),
        reliability=trusted / (weight + seen.count + seen.false_alarms),
    )


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
            replace(event, sizes=_posterior(event.sizes, evidence, _without(event, running)))
            if event in running
            else event
            for event in known.events
        )
        # While a known event runs, its own size explains unusual sales.
        return replace(known, events=events, surge=_point_mass(NO_EFFECT))
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
    experience = dict(beliefs.experience)
    for event in over:
        kind = event.signal.kind
        experience[kind] = _with_event(experience.get(kind, Experience()), event, today)
    learned = replace(beliefs, experience=experience)
    known = {event.signal.event_id for event in kept}
    new = tuple(
        EventBelief(signal, _prior_sizes(learned, signal))
        for signal in signals
        if signal.event_id not in known
    )
    return replace(learned, events=kept + new)


def _with_event(seen: Experience, event: EventBelief, today: date) -> Experience:
    empty = float(event.sizes[NO_EFFECT])
    effect = event.sizes.copy()
    effect[NO_EFFECT] = 0.0
    mean_log = float(effect @ np.log(MULTIPLIERS))  # already weighted by being real
    ran = (today - event.signal.start).days
    if ran <= 0:  # withdrawn before it began
        return replace(seen, false_alarms=seen.false_alarms + 1)
    return Experience(
        count=seen.count + 1 - empty,
        log_sizes=seen.log_sizes + mean_log,
        days=seen.days + ran * (1 - empty),
        false_alarms=seen.false_alarms + empty,
    )


def _prior_sizes(beliefs: MarketBeliefs, signal: MarketSignal) -> FloatArray:
    prior = kind_prior(beliefs, signal.kind)
    if signal.demand == 1:  # it acts on supply or price alone
        return _point_mass(NO_EFFECT)
    if signal.demand is not None:
        sizes = _lognormal_sizes(max(signal.demand, float(MULTIPLIERS[0])), TOLD_SPREAD)
    else:
        sizes = _lognormal_sizes(prior.median, prior.spread)
    return prior.reliability * sizes + (1 - prior.reliability) * _point_mass(NO_EFFECT)


def _filter_surge(beliefs: MarketBeliefs, evidence: DayEvidence) -> FloatArray:
    """Advance the hidden chain by a day, then weigh it with the day's sales."""
    prior = beliefs.prior
    onset, ending = prior.surges_a_year / 365, 1 / prior.days
    ordinary = float(beliefs.surge[NO_EFFECT])
    on = beliefs.surge.copy()
    on[NO_EFFECT] = 0.0
    ahead = (1 - ending) * on + ordinary * onset * surge_sizes(prior)
    ahead[NO_EFFECT] += 1 - ahead.sum()
    return _posterior(ahead, evidence, JointEffect.none((1,)))


def surge_sizes(prior: ShockPrior) -> FloatArray:
    """Probability of each multiplier for a surge, (sizes,); only those above 1."""
    sizes = _lognormal_sizes(prior.size, prior.spread)
    sizes[: NO_EFFECT + 1] = 0.0
    return np.asarray(sizes / sizes.sum())


def _posterior(sizes: FloatArray, evidence: DayEvidence, others: JointEffect) -> FloatArray:
    if evidence.expected <= 0:
        return sizes
    log_likelihood = _log_likelihood(evidence, others.joined(MULTIPLIERS).multiplier)
    weighted = sizes * np.exp(log_likelihood - log_likelihood[sizes > 0].max())
    return np.asarray(weighted / weighted.sum())


def _log_likelihood(evidence: DayEvidence, multipliers: FloatArray) -> FloatArray:
    """Log probability of the day's sales under each multiplier, negative binomial."""
    mean = evidence.expected * multipliers
    # An event scales demand and its noise alike, so the coefficient of variation stays.
    excess = max(evidence.variation**2 - 1 / evidence.expected, 1e-3)
    shape, sales = 1 / excess, float(round(evidence.sales))
    chance = mean / (shape + mean)
    if evidence.ran_out:
        at_least = special.betainc(sales, shape, chance) if sales > 0 else np.ones_like(mean)
        return np.log(np.maximum(at_least, 1e-300))
    return np.asarray(
        special.gammaln(sales + shape)
        - special.gammaln(shape)
        - special.gammaln(sales + 1)
        + special.xlogy(sales, chance)
        + shape * np.log1p(-chance)
    )


def _point_mass(index: int) -> FloatArray:
    mass = np.zeros(MULTIPLIERS.size)
    mass[index] = 1.0
    return mass


def _lognormal_sizes(median: float, spread: float) -> FloatArray:
    """Probabilities of MULTIPLIERS for a lognormal size, without the point 1 (no effect)."""
    density = np.exp(-0.5 * ((np.log(MULTIPLIERS) - np.log(median)) / spread) ** 2)
    density[NO_EFFECT] = 0.0
    return np.asarray(density / density.sum())
