"""The smallest change of one input that makes another decision of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from math import log
from typing import TYPE_CHECKING

from core_modules.inventory_agent import AgentSettings, ItemState, Situation, decide
from core_modules.reporting.report_wording import plural

if TYPE_CHECKING:
    from datetime import date

    from core_modules.item_terms import ItemTerms

CLEAR = 0.10  # share of the quantity by which another one is clearly different
WIDEST = 8.0  # factor either way that an input is changed by at most
STEPS = 7  # halvings of the range of factors


@dataclass(frozen=True, slots=True)
class Flip:
    """A changed input, and what would then be ordered."""

    name: str  # 'on_hand', 'demand', 'lead_time', 'shortage_cost' or 'holding_cost'
    kind: str  # 'order': ordered or not; 'quantity': more than CLEAR apart
    relative: float  # the change as a share of the input (of the position for on_hand), signed
    quantity: int  # units ordered then
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What a decision follows from."""

    state: ItemState
    terms: ItemTerms
    day: date
    situation: Situation
    settings: AgentSettings

    def quantity(self) -> int:
        """Return what is ordered."""
        one = decide(self.state, self.terms, self.day, self.situation, self.settings)
        return one.quantity


def find_flips(inputs: Inputs) -> list[Flip]:
    """Return for each kind and input the smallest change found, smallest first within a kind.

    Each input is moved alone, either way, by bisection: the change found is the smallest if the
    quantity moves one way with the input, as it does but for fixed costs and limits.
    """
    chosen = inputs.quantity()
    searches = [search(inputs, chosen) for search in _SEARCHES]
    flips = []
    for kind in ("order", "quantity") if chosen else ("order",):
        found = [one for search in searches if (one := search(kind))]
        flips += sorted(found, key=lambda flip: abs(flip.relative))
    return flips


def _flipped(chosen: int, quantity: int, kind: str) -> bool:
    if kind == "order":
        return (quantity > 0) != (chosen > 0)
    return chosen > 0 and quantity > 0 and abs(quantity - chosen) > CLEAR * chosen


def _then(quantity: int) -> str:
    return f"{quantity:,} would be ordered" if quantity else "nothing would be ordered"


# Prepared for inputs and the quantity chosen, then asked for a flip of each kind: what is decided
# on the way to one serves the other.
Search = Callable[[Inputs, int], Callable[[str], Flip | None]]


def _on_hand(inputs: Inputs, chosen: int) -> Callable[[str], Flip | None]:
    now = inputs.situation.on_hand
    position = now + int(inputs.situation.due.sum())
    reach = max(2 * position, 4 * chosen, 10)

    @cache
    def at(change: int) -> int:
        situation = replace(inputs.situation, on_hand=now + change)
        return replace(inputs, situation=situation).quantity()

    def search(kind: str) -> Flip | None:
        best: int | None = None
        for sign, most in ((1, reach), (-1, now)):
            if most < 1 or not _flipped(chosen, at(sign * most), kind):
                continue
            low, high = 0, most
            while high - low > 1:
                middle = (low + high) // 2
                if _flipped(chosen, at(sign * middle), kind):
                    high = middle
                else:
                    low = middle
            if best is None or high < abs(best):
                best = sign * high
        if best is None:
            return None
        more = plural(abs(best), "more unit" if best > 0 else "fewer unit")
        told = f"with {more} on hand {_then(at(best))}"
        return Flip("on_hand", kind, best / max(position, 1), at(best), told)

    return search


def _lead_time(inputs: Inputs, chosen: int) -> Callable[[str], Flip | None]:
    now = inputs.terms.lead_time
    room = inputs.state.model.fitted.size - inputs.terms.review_period

    @cache
    def at(lead_time: int) -> int:
        return replace(inputs, terms=replace(inputs.terms, lead_time=lead_time)).quantity()

    def search(kind: str) -> Flip | None:
        for then in (now - 1, now + 1):
            if 1 <= then <= room and _flipped(chosen, at(then), kind):
                words = f"with a lead time of {then} instead of {now} periods"
                told = f"{words} {_then(at(then))}"
                return Flip("lead_time", kind, (then - now) / now, at(then), told)
        return None

    return search


def _factor(name: str, words: str, scaled: Callable[[Inputs, float], Inputs]) -> Search:
    """Return the search over a factor on an input."""

    def prepared(inputs: Inputs, chosen: int) -> Callable[[str], Flip | None]:
        @cache
        def at(factor: float) -> int:
            return scaled(inputs, factor).quantity()

        def search(kind: str) -> Flip | None:
            best: float | None = None
            for widest in (WIDEST, 1 / WIDEST):
                if not _flipped(chosen, at(widest), kind):
                    continue
                low, high = 0.0, 1.0
                for _ in range(STEPS):
                    middle = (low + high) / 2
                    if _flipped(chosen, at(widest**middle), kind):
                        high = middle
                    else:
                        low = middle
                if best is None or abs(log(widest**high)) < abs(log(best)):
                    best = widest**high
            if best is None:
                return None
            change = best - 1
            size = f"{100 * abs(change):.0f} % {'higher' if change > 0 else 'lower'}"
            return Flip(name, kind, change, at(best), f"{words} {size} {_then(at(best))}")

        return search

    return prepared


def _demand(inputs: Inputs, factor: float) -> Inputs:
    model = replace(inputs.state.model, fitted=inputs.state.model.fitted * factor)
    return replace(inputs, state=replace(inputs.state, model=model))


def _shortage(inputs: Inputs, factor: float) -> Inputs:
    terms = inputs.terms
    cost, margin = terms.shortage_cost * factor, terms.unit_price - terms.unit_cost
    kept = min(margin, cost)  # a cheaper loss is a smaller margin, a dearer one more goodwill
    price = max(terms.unit_cost + kept, 1e-9)
    return replace(inputs, terms=replace(terms, unit_price=price, goodwill=cost - kept))


def _holding(inputs: Inputs, factor: float) -> Inputs:
    held = inputs.terms.holding_cost * factor
    return replace(inputs, terms=replace(inputs.terms, holding_cost=held))


_SEARCHES = (
    _on_hand,
    _factor("demand", "with demand", _demand),
    _lead_time,
    _factor("shortage_cost", "with the cost of a lost unit", _shortage),
    _factor("holding_cost", "with holding cost", _holding),
)
