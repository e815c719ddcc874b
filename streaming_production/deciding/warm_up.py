"""Takes a decision of no consequence, so that the first real one need not wait for the compiler."""

from datetime import date

import numpy as np

from core_modules.forecasting.forecast_values import DemandModel
from core_modules.forecasting.observation_law import ObservationLaw
from core_modules.inventory_agent import AgentSettings, opening_state
from core_modules.item_terms import ItemTerms
from streaming_production.deciding.decider import inputs_of, needed_days

_TERMS = ItemTerms("nothing", unit_price=10, unit_cost=6, holding_cost=0.01)


def warm_up() -> None:
    """Load or compile what decisions need."""
    today, settings = date(2024, 1, 1), AgentSettings()
    fitted = np.full(needed_days(_TERMS), 10.0)
    model = DemandModel("nothing", "flat-level", today, fitted, ObservationLaw(1.0, 1.0))
    state = opening_state(model, settings)
    inputs_of(state, _TERMS, today, 0, [], settings).decide()
