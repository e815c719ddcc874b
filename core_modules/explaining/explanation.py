"""A decision explained: its cost curve, the next best, what would flip it, what was not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core_modules.explaining.flips import Flip, Inputs, find_flips
from core_modules.explaining.order_regret import costs_by_path
from core_modules.explaining.unknowns import what_was_not_known
from core_modules.inventory_agent import (
    AgentSettings,
    Decision,
    Evening,
    ItemState,
    Situation,
    decide,
    evening_of,
)
from core_modules.ordering.rollout import weighed

if TYPE_CHECKING:
    from datetime import date

    from core_modules.item_terms import ItemTerms

POINTS = 15  # quantities of the curve beside those that the search tried
TAIL = 0.1  # share of the worst paths that the dial of risk looks at
APART = 0.05  # share of the quantity by which alternatives differ at least
MOST_ALTERNATIVES = 3


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A quantity and what it is expected to cost."""

    quantity: int  # units
    cost: float  # money until the end of the paths, as the decision weighs it
    chosen: bool
    meets_target: bool  # at least the units that the service target asks for


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another quantity and what it would cost more."""

    quantity: int  # units
    extra_cost: float  # money a decision, beyond the quantity chosen
    meets_target: bool  # else the service target rules it out, whatever it costs


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything there is to say of one decision."""

    decision: Decision
    curve: tuple[CurvePoint, ...]  # rising quantities
    alternatives: tuple[Alternative, ...]  # cheapest first
    flips: tuple[Flip, ...]  # by kind, the smallest relative change first
    not_known: tuple[str, ...]

    @property
    def smallest_flip(self) -> Flip | None:
        """The smallest relative change that makes another decision of it."""
        return min(self.flips, key=lambda flip: abs(flip.relative), default=None)


def explain(
    state: ItemState, terms: ItemTerms, day: date, situation: Situation, settings: AgentSettings
) -> Explanation:
    """Make a decision again and explain it."""
    decision = decide(state, terms, day, situation, settings)
    evening = evening_of(state, terms, day, situation, settings)
    curve = cost_curve(evening, decision, settings)
    return Explanation(
        decision=decision,
        curve=curve,
        alternatives=alternatives(curve),
        flips=tuple(find_flips(Inputs(state, terms, day, situation, settings))),
        not_known=what_was_not_known(state, terms, day, situation, evening),
    )


def cost_curve(
    evening: Evening, decision: Decision, settings: AgentSettings
) -> tuple[CurvePoint, ...]:
    """Cost a grid of accepted quantities about the chosen one, with those that the search tried.

    The grid runs from 0 to twice the chosen quantity, or to the demand until the next delivery
    where that is more.
    """
    problem, weights = evening.problem, evening.view.weights
    steps, share = problem.steps, max(problem.filled_share, 1e-9)
    chosen = decision.quantity
    top = steps.place(max(2.0 * chosen, decision.expected_demand / share, 1.0))
    places = np.rint(np.linspace(0, top, POINTS)).astype(np.int64)
    tried = {quantity for quantity, _ in decision.curve} | {chosen}
    quantities = sorted(tried | {steps.quantity(int(place)) for place in places})
    table = costs_by_path(problem, quantities)
    return tuple(
        CurvePoint(
            quantity=quantity,
            cost=weighed(row, weights, settings.risk, TAIL),
            chosen=quantity == chosen,
            meets_target=quantity * share >= evening.least - 1e-9,
        )
        for quantity, row in zip(quantities, table, strict=True)
    )


def alternatives(curve: tuple[CurvePoint, ...]) -> tuple[Alternative, ...]:
    """Return the next best quantities, clearly different from the chosen one and each other.

    Ordering nothing is among them where something is ordered.
    """
    chosen = next(point for point in curve if point.chosen)
    apart = max(APART * chosen.quantity, 1.0)
    picked: list[CurvePoint] = []
    others = [point for point in curve if abs(point.quantity - chosen.quantity) >= apart]
    ranked = sorted(others, key=lambda point: (not point.meets_target, point.cost))
    for point in ranked:
        clear = all(abs(point.quantity - other.quantity) >= apart for other in picked)
        if clear and len(picked) < MOST_ALTERNATIVES:
            picked.append(point)
    nothing = curve[0]
    if not nothing.chosen and nothing not in picked:
        picked.append(nothing)
    return tuple(
        Alternative(point.quantity, point.cost - chosen.cost, point.meets_target)
        for point in picked
    )
