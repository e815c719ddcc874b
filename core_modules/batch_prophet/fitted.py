"""The result of a batch of fits: Prophet's parameters for every item, and how each was found."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.batch_prophet.chunks import TOLERANCE
from core_modules.batch_prophet.design import Design
from core_modules.batch_prophet.panel import FloatArray, IntArray, Panel
from core_modules.batch_prophet.settings import BatchSettings

ENGINE, CONSTANT, LBFGS, PROPHET, UNDETERMINED, UNFIT = range(6)
Routes = NDArray[np.int8]  # (items,) index into ROUTES
ROUTES = ("engine", "constant", "lbfgs", "prophet", "undetermined", "unfit")


@dataclass(frozen=True, slots=True, eq=False)
class BatchFit:
    """Fitted parameters on Prophet's scales; columns of beta in Prophet's order.

    An item with fewer than two days of data is `unfit`: NaN, where Prophet would raise. One whose
    trend and seasons the data do not tell apart is `undetermined`: Prophet's, see `determinacy`.
    """

    settings: BatchSettings
    panel: Panel  # the history
    designs: tuple[Design, ...]
    design: IntArray  # (items,) which design an item follows
    k: FloatArray  # (items,) rate of the trend
    m: FloatArray  # (items,) its offset
    delta: FloatArray  # (items, changepoints) changes of the rate, 0 beyond the last
    changepoints_t: FloatArray  # (items, changepoints) when, scaled; NaN beyond the last
    beta: FloatArray  # (items, columns) 0 beyond an item's own columns
    sigma_obs: FloatArray  # (items,)
    y_scale: FloatArray  # (items,)
    start: IntArray  # (items,) microseconds since 1970 of the first row
    t_scale: IntArray  # (items,) microseconds from the first row to the last
    regressor_means: FloatArray  # (items, regressors)
    regressor_spreads: FloatArray  # (items, regressors)
    loss: FloatArray  # (items,) -lp__ of Stan's optimiser; NaN where nothing was optimised
    residual: FloatArray  # (items,) relative optimality residual, see `chunks`
    steps: IntArray  # (items,) of Newton's method, or rounds of the alternation
    route: Routes

    @property
    def ids(self) -> pd.Index:
        """The items' names, (items,)."""
        return self.panel.ids

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Which fits are optimal to the tolerance; a constant series counts, (items,)."""
        return np.asarray((self.residual <= TOLERANCE) | (self.route == CONSTANT))

    @property
    def counts(self) -> dict[str, int]:
        """How many items each route solved."""
        numbers = np.bincount(self.route, minlength=len(ROUTES))
        return {name: int(number) for name, number in zip(ROUTES, numbers, strict=True)}

    def summary(self) -> pd.DataFrame:
        """Return one row an item: route, convergence, loss, residual, steps."""
        return pd.DataFrame(
            {
                "unique_id": self.ids,
                "route": np.array(ROUTES)[self.route],
                "converged": self.converged,
                "loss": self.loss,
                "residual": self.residual,
                "steps": self.steps,
                "sigma_obs": self.sigma_obs * self.y_scale,
            }
        )
