"""Draws the demand paths of many items at once, as each model alone would draw them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core_modules.forecasting.forecast_values import DemandModel

FloatArray = NDArray[np.float64]

MOST_UNITS = np.iinfo(np.int32).max  # a day that a path can hold


def draw_paths(models: Sequence[DemandModel], days: int, uniforms: FloatArray) -> NDArray[np.int32]:
    """Return the paths of each model's next `days` days, units, (items, paths, days).

    `uniforms` (paths, 1 + days or more) are shared by all items; the paths are those of
    `DemandModel.forecast`, unit by unit.

    Raises ValueError where a model's horizon is shorter than `days`, or a day passes 2**31 units.
    """
    errors, noise = uniforms[:, 0], uniforms[:, 1 : 1 + days]
    warped: dict[tuple[float, ...], FloatArray] = {}  # by warp: most items of a batch share one
    paths = np.empty((len(models), uniforms.shape[0], days), dtype=np.int32)
    for place, model in enumerate(models):
        law = model.law
        if law.warp not in warped:
            warped[law.warp] = law.warped(noise)
        drawn = model.draw(errors, warped[law.warp], days)
        if drawn.max(initial=0) > MOST_UNITS:
            raise ValueError(
                f"{model.unique_id!r} has a day of {drawn.max()} units on a path; give its "
                "history in a larger unit"
            )
        paths[place] = drawn
    return paths
