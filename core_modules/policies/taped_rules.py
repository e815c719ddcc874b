"""The textbook's rules as one policy of many lanes, told the forecasts of a tape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.inventory import IntArray, allowed_quantity, order_limits
from core_modules.item_terms import ItemTerms
from core_modules.policies.forecast_tape import Forecast, TapedEvening
from core_modules.policies.parameter_grids import GRIDS
from core_modules.policies.rule_arithmetic import Rule, Terms, wanted_by_lane
from core_modules.simulation import Market, Observation

FloatArray = NDArray[np.float64]
Scalar = TypeVar("Scalar", bound=np.generic)

USUAL_DAYS = 365  # before the run, behind usual demand
WINDOWS = (28, 7)  # days of the trailing means


def lanes_of(rules: Sequence[Rule]) -> tuple[IntArray, FloatArray]:
    """Return every parameter value of the rules: rules (lanes,) and their a and b (lanes, 2)."""
    numbers = np.concatenate([np.full(len(GRIDS[rule]), int(rule)) for rule in rules])
    return numbers, np.concatenate([GRIDS[rule] for rule in rules])


def spread_market(market: Market, lanes: int) -> Market:
    """Repeat each replication of a market for so many lanes, which stand next to each other."""

    def each(array: NDArray[Scalar]) -> NDArray[Scalar]:
        return np.repeat(array, lanes, axis=1)

    return replace(
        market,
        demand=each(market.demand),
        lead_times=each(market.lead_times),
        filled_share=each(market.filled_share),
        price_multiplier=each(market.price_multiplier),
        scenario=each(market.scenario),
        events=tuple(one for one in market.events for _ in range(lanes)),
    )


class TapedRules:
    """Rules with their parameters, one a lane of `spread_market`, on the forecasts of a tape.

    `informed` chooses the forecasts that know events and hedge against shocks; without it ordinary
    demand and the usual supply are all that is known.
    """

    name = "textbook rules"

    def __init__(
        self,
        terms: Sequence[ItemTerms],
        history: pd.DataFrame,
        tape: Sequence[TapedEvening],
        lanes: tuple[IntArray, FloatArray],
        replications: int,
        *,
        informed: bool,
        backorders: bool = False,
    ) -> None:
        self._terms, self._tape, self._informed = terms, tape, informed
        self._rules, self._parameters = lanes
        self._backorders, self._limits = backorders, order_limits(terms)
        past = [_last_sales(history, one.unique_id) for one in terms]
        self._usual = [(float(sold.mean()), float(sold.std())) for sold in past]
        columns = replications * self._rules.size
        last = np.stack([sold[-max(WINDOWS) :] for sold in past])
        self._sales = np.repeat(last[:, None, :], columns, axis=1)
        self._reviews = 0

    def order(self, observation: Observation) -> IntArray:
        """Order what each lane's rule wants, within the limits of the supplier."""
        self._sales[:, :, observation.day % max(WINDOWS)] = observation.sales
        recent = np.arange(observation.day, observation.day - WINDOWS[1], -1) % max(WINDOWS)
        trailing = np.stack(
            [self._sales.mean(axis=2), self._sales[:, :, recent].mean(axis=2)]
        )  # (2, items, replications)
        wanted = np.zeros(observation.on_hand.shape)
        evening = self._tape[observation.day]
        for item, row in enumerate(evening.informed if self._informed else evening.plain):
            for path, forecast in enumerate(row):
                mine = slice(path * self._rules.size, (path + 1) * self._rules.size)
                wanted[item, mine] = self._wanted(
                    forecast, item, mine, trailing[:, item, mine], observation
                )
        self._reviews += 1
        whole = np.where(observation.review, np.ceil(wanted - 1e-9), 0).astype(np.int64)
        return allowed_quantity(whole, self._limits)

    def _wanted(
        self,
        forecast: Forecast,
        item: int,
        mine: slice,
        trailing: FloatArray,
        observation: Observation,
    ) -> FloatArray:
        one = self._terms[item]
        terms = Terms(
            forecast.lead_time,
            one.review_period,
            one.holding_cost,
            one.order_cost,
            self._backorders,
        )
        wanted = wanted_by_lane(
            self._rules,
            self._parameters,
            forecast.demand.astype(np.float64),
            forecast.weights,
            np.ascontiguousarray(trailing),
            self._usual[item],
            self._reviews,
            terms,
            observation.on_hand[item, mine],
            observation.backlog[item, mine],
            observation.due[item, mine, : forecast.demand.shape[1]],
        )
        return np.asarray(wanted / forecast.filled_share)


def _last_sales(history: pd.DataFrame, unique_id: str) -> FloatArray:
    """Return an item's sales of the last year before the run, at least a window of them."""
    sold = history.loc[history["unique_id"] == unique_id, "y"].to_numpy(dtype=np.float64)
    sold = np.nan_to_num(sold[-USUAL_DAYS:])
    return np.concatenate([np.zeros(max(max(WINDOWS) - sold.size, 0)), sold])
