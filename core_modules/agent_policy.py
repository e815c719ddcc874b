"""The agent as a policy of the simulation: it observes, refits and decides for every item."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.agent_evening import take_in
from core_modules.demand_view import believed_supply
from core_modules.forecasting.forecast_values import DemandModel
from core_modules.inventory import IntArray
from core_modules.inventory_agent import (
    LONGEST_DELAY,
    AgentSettings,
    Decision,
    ItemState,
    Situation,
    decide,
    opening_state,
)
from core_modules.item_terms import ItemTerms
from core_modules.learning.lesson_sharing import share_lessons
from core_modules.learning.supplier_record import SupplierRecord, confirmed_receipt
from core_modules.market_beliefs import ShockPrior
from core_modules.simulation import Observation

FloatArray = NDArray[np.float64]
Fit = Callable[[pd.DataFrame, int], Sequence[DemandModel]]  # long frame, horizon in days
LONGEST_EXTRA = 21  # days of disruption that the forecast reaches beyond the usual lead time


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision with the inputs that it followed from, enough to make it again."""

    decision: Decision
    state: ItemState
    situation: Situation


@dataclass(frozen=True, slots=True, eq=False)
class _LastNight:
    """What was ordered last night, and what was there and under way then."""

    ordered: IntArray  # (items, replications) units
    due: IntArray  # (items, replications, days ahead) units
    net: IntArray  # (items, replications) units on hand less those owed


def _net(observation: Observation) -> IntArray:
    return np.asarray(observation.on_hand - observation.backlog)


class AgentPolicy:
    """Decides for each item and replication; refits all demand models every so many days.

    `history` is the long sales frame up to the day before the run. Days on which stock ran out, or
    on which an event hid ordinary demand, are missing values in every refit. `recorded` is the
    replication whose decisions are kept with their inputs.
    """

    name = "agent"

    def __init__(
        self,
        terms: Sequence[ItemTerms],
        history: pd.DataFrame,
        replications: int,
        fit: Fit,
        settings: AgentSettings,
        *,
        refit_every: int = 7,
        priors: Mapping[str, ShockPrior] | None = None,
        recorded: int = 0,
    ) -> None:
        self._terms, self._fit, self._settings = terms, fit, settings
        self._refit_every, self._recorded = refit_every, recorded
        self._history = {str(name): rows for name, rows in history.groupby("unique_id", sort=False)}
        reach = max(one.lead_time + one.review_period for one in terms)
        self._horizon = reach + LONGEST_EXTRA + LONGEST_DELAY + refit_every
        self._sales: list[FloatArray] = []  # a (items, replications) array a day
        self._last: _LastNight | None = None
        self._missing: list[np.ndarray[tuple[int, int], np.dtype[np.bool_]]] = []
        models = self._fitted(history)
        self._states = [
            [
                self._opening(models[one.unique_id], one.unique_id, priors or {})
                for _ in range(replications)
            ]
            for one in terms
        ]
        self.records: list[DecisionRecord] = []
        self.escalated = np.zeros((len(terms), replications), dtype=np.int64)

    def _fitted(self, frame: pd.DataFrame) -> dict[str, DemandModel]:
        return {model.unique_id: model for model in self._fit(frame, self._horizon)}

    def _opening(
        self, model: DemandModel, unique_id: str, priors: Mapping[str, ShockPrior]
    ) -> ItemState:
        shocks = priors.get(unique_id, self._settings.shocks)
        return opening_state(model, replace(self._settings, shocks=shocks))

    def order(self, observation: Observation) -> IntArray:
        """Observe the day, refit where it is due, decide for every item and replication."""
        items, replications = observation.on_hand.shape
        told = np.zeros((items, replications))
        missing = np.zeros((items, replications), dtype=np.bool_)
        for path in range(replications):
            signals = observation.signals(path)
            for item, one in enumerate(self._terms):
                before = self._states[item][path]
                sales = int(observation.sales[item, path])
                ran_out = bool(observation.ran_out[item, path])
                evening = take_in(before, one, observation.today, sales, ran_out, signals)
                told[item, path] = evening.demand
                missing[item, path] = not evening.tells
                record = self._answered(before, item, path, observation)
                self._states[item][path] = replace(evening.state, supplier=record)
            self._share_lessons(path)
        self._sales.append(told)
        self._missing.append(missing)
        if (observation.day + 1) % self._refit_every == 0:
            self._refit(observation.today)
        quantities = self._decide_all(observation)
        self._last = _LastNight(quantities, observation.due, _net(observation))
        return quantities

    def _share_lessons(self, path: int) -> None:
        """Let each item learn from the events that ended tonight and that others felt."""
        states = [states[path] for states in self._states]
        taught = share_lessons([state.beliefs for state in states])
        for item, beliefs in enumerate(taught):
            self._states[item][path] = replace(states[item], beliefs=beliefs)

    def _answered(
        self, before: ItemState, item: int, path: int, observation: Observation
    ) -> SupplierRecord | None:
        """Learn from what the supplier confirmed of last night's order."""
        last, one = self._last, self._terms[item]
        if last is None or last.ordered[item, path] == 0:
            return before.supplier
        yesterday = observation.today - timedelta(days=1)
        if believed_supply(before.beliefs, one, yesterday).disrupted:
            return before.supplier  # what comes late and short then is the event's doing
        receipt = confirmed_receipt(
            int(last.ordered[item, path]),
            last.due[item, path],
            observation.due[item, path],
            int(
                _net(observation)[item, path] + observation.sales[item, path] - last.net[item, path]
            ),
        )
        return (before.supplier or SupplierRecord(one.lead_time)).observe(receipt)

    def _decide_all(self, observation: Observation) -> IntArray:
        quantities = np.zeros_like(observation.on_hand)
        for item, one in enumerate(self._terms):
            if not observation.review[item, 0]:
                continue
            for path in range(quantities.shape[1]):
                situation = Situation(
                    on_hand=int(observation.on_hand[item, path]),
                    backlog=int(observation.backlog[item, path]),
                    due=observation.due[item, path, : self._horizon].copy(),
                )
                state = self._states[item][path]
                decision = decide(state, one, observation.today, situation, self._settings)
                quantities[item, path] = decision.quantity
                self.escalated[item, path] += decision.needs_review
                if path == self._recorded:
                    self.records.append(DecisionRecord(decision, state, situation))
        return quantities

    def _refit(self, today: date) -> None:
        """Fit every replication on its own, so that none learns from another."""
        sales, missing = np.stack(self._sales, axis=-1), np.stack(self._missing, axis=-1)
        for path in range(sales.shape[1]):
            frames = [
                self._extended(one, sales[item, path], missing[item, path], today)
                for item, one in enumerate(self._terms)
            ]
            models = self._fitted(pd.concat(frames, ignore_index=True))
            for item, one in enumerate(self._terms):
                state = self._states[item][path]
                self._states[item][path] = replace(state, model=models[one.unique_id])

    def _extended(
        self,
        one: ItemTerms,
        sales: FloatArray,
        missing: np.ndarray[tuple[int], np.dtype[np.bool_]],
        today: date,
    ) -> pd.DataFrame:
        """Follow the item's history by the run's days up to `today`."""
        past = self._history[one.unique_id]
        first = today - timedelta(days=sales.size - 1)
        run = pd.DataFrame(
            {
                "ds": pd.date_range(first, periods=sales.size, unit="us"),
                "y": np.where(missing, np.nan, sales),
                "in_stock": ~missing,
            }
        )
        frame = pd.concat([past, run], ignore_index=True)
        # What is told of an item once, its name and groups, holds for the days of the run too.
        for column in past.columns.difference(["ds", "y", "in_stock", "price", "promo"]):
            frame[column] = past[column].iloc[0]
        frame["in_stock"] = frame["in_stock"].fillna(value=True).astype(bool)
        return frame
