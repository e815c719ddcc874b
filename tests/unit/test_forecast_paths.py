"""The paths of many items drawn at once."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from core_modules.demand_forecaster import (
    DemandModel,
    ObservationLaw,
    draw_paths,
    standard_uniforms,
)
from core_modules.forecasting.idle_spells import IdleLaw
from core_modules.forecasting.observation_law import WARP_KNOTS

WARP = tuple((WARP_KNOTS**1.2).tolist())


def model(mean: float, law: ObservationLaw) -> DemandModel:
    return DemandModel("A", "test", date(2024, 1, 1), np.full(20, mean), law)


MODELS = [
    model(0.0, ObservationLaw(0.0, 1.0)),
    model(0.4, ObservationLaw(1.5, 1.0, 0.2, 0.05)),
    model(7.0, ObservationLaw(1.5, 1.5, 0.2, 0.05, WARP, 1.1)),
    model(90.0, ObservationLaw(0.5, 1.0)),
    model(900.0, ObservationLaw(1.5, 1.5, 0.1, 0.0, WARP)),
    replace(
        model(7.0, ObservationLaw(1.5, 1.5, 0.2, 0.05, WARP)),
        idle=IdleLaw(7, 0.1, 0.01, (0.2, 0.1, 0.05, 0.02, 0.01)),
        run=4,
    ),
]


def test_paths_drawn_together_are_those_each_model_draws_alone() -> None:
    uniforms = standard_uniforms(64, 14, 3)
    together = draw_paths(MODELS, 14, uniforms)
    assert together.shape == (len(MODELS), 64, 14)
    for one, paths in zip(MODELS, together, strict=True):
        assert np.array_equal(paths, one.forecast(14, uniforms).paths)


def test_no_models_have_no_paths() -> None:
    assert draw_paths([], 14, standard_uniforms(64, 14, 3)).shape == (0, 64, 14)


def test_paths_beyond_a_models_horizon_are_refused() -> None:
    with pytest.raises(ValueError, match="fitted 20 days ahead, 21 were asked"):
        draw_paths(MODELS, 21, standard_uniforms(64, 21, 3))


def test_a_day_too_large_for_a_path_is_refused() -> None:
    with pytest.raises(ValueError, match="give its history in a larger unit"):
        draw_paths([model(1e10, ObservationLaw(0.0, 1.0))], 7, standard_uniforms(8, 7, 3))
