"""The agent's forecasts of a run, kept evening by evening for the policies compared with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.agent_policy import AgentPolicy, Fit
from core_modules.forecasting.forecast_values import standard_uniforms
from core_modules.inventory import IntArray
from core_modules.inventory_agent import (
    LONGEST_DELAY,
    AgentSettings,
    ItemState,
    Situation,
    evening_of,
)
from core_modules.item_terms import ItemTerms
from core_modules.market_beliefs import ShockPrior
from core_modules.simulation import Observation

FloatArray = NDArray[np.float64]

PATHS = 64  # kept of an evening before surges and disruptions are added, a power of two


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """Weighted demand paths of an item on an evening, and the supply that an order would meet."""

    demand: NDArray[np.float32]  # (paths, days) units, column 0 tomorrow
    weights: FloatArray  # (paths,) sum 1
    lead_time: int  # days from tonight's order to the shelf, as believed
    filled_share: float  # of tonight's order, as believed, above 0 to 1


@dataclass(frozen=True, slots=True, eq=False)
class TapedEvening:
    """The forecasts of one evening, by item and then replication; empty between reviews."""

    informed: tuple[tuple[Forecast, ...], ...]  # with known events and the hedge against shocks
    plain: tuple[tuple[Forecast, ...], ...]  # ordinary demand and the usual supply alone


class TapingAgent(AgentPolicy):
    """The agent, keeping what it forecast each evening in `tape`."""

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
    ) -> None:
        super().__init__(
            terms, history, replications, fit, settings, refit_every=refit_every, priors=priors
        )
        self._thin = replace(settings, paths=min(PATHS, settings.paths))
        self.tape: list[TapedEvening] = []

    def order(self, observation: Observation) -> IntArray:
        """Decide as the agent does, and keep the evening's forecasts."""
        quantity = super().order(observation)
        self.tape.append(
            TapedEvening(
                self._each(observation, self._informed), self._each(observation, self._plain)
            )
        )
        return quantity

    def _each(
        self,
        observation: Observation,
        forecast: Callable[[ItemState, ItemTerms, Observation], Forecast],
    ) -> tuple[tuple[Forecast, ...], ...]:
        return tuple(
            tuple(forecast(state, one, observation) for state in states)
            if observation.review[item, 0]
            else ()
            for item, (one, states) in enumerate(zip(self._terms, self._states, strict=True))
        )

    def _informed(self, state: ItemState, one: ItemTerms, observation: Observation) -> Forecast:
        nothing = Situation(on_hand=0, backlog=0, due=np.zeros(0, dtype=np.int64))
        evening = evening_of(state, one, observation.today, nothing, self._thin)
        return Forecast(
            evening.view.demand.astype(np.float32),
            evening.view.weights,
            evening.supply.lead_time,
            max(evening.supply.filled_share, 0.01),
        )

    def _plain(self, state: ItemState, one: ItemTerms, _: Observation) -> Forecast:
        paths = self._thin.paths
        reach = one.lead_time - 1 + one.review_period
        days = min(reach + LONGEST_DELAY, state.model.fitted.size)
        drawn = state.model.forecast(days, standard_uniforms(paths, days, self._thin.seed)).paths
        return Forecast(drawn.astype(np.float32), np.full(paths, 1 / paths), one.lead_time, 1.0)
