"""The compiled rollout, many paths at a time, costs what each path alone costs."""

import numpy as np
import pytest

from core_modules.ordering.order_problem import (
    NO_MAXIMUM,
    OrderCosts,
    OrderProblem,
    OrderSteps,
    Outlook,
)
from core_modules.ordering.rollout import path_costs, rollout_of
from tests import plain_rollout

PATHS, PERIODS = 24, 16
CASES = {
    "plain": {},
    "weekly": {"review_period": 7},
    "backorders": {"backorders": True, "backlog": 4.0},
    "perishable": {"shelf_life": 4, "review_period": 2},
    "perishable and owed": {"shelf_life": 3, "backorders": True, "backlog": 2.0},
    "packs": {"steps": OrderSteps(moq=20, pack_size=6, max_order=90), "review_period": 3},
    "lots": {"order_cost": 40.0},
    "half delivered": {"filled_share": 0.5, "backlog": 3.0},
    "unsteady supplier": {"supplier": True},
    "late": {"late": True, "order_cost": 9.0},
    "sure level": {"level_variance": 0.0},
    "far away": {"lead_time": PERIODS},
}


def problem(rng: np.random.Generator, **asked: object) -> OrderProblem:
    mean = rng.uniform(0.0, 9.0, PERIODS)
    mean[rng.integers(PERIODS)] = 0.0  # a closed day
    surge = np.where(rng.random((PATHS, PERIODS)) < 0.2, 2.5, 1.0)
    resumes = np.where(np.arange(PATHS) >= PATHS - 6, rng.integers(4, 20, PATHS), 0)
    supplier, late = asked.pop("supplier", False), asked.pop("late", False)
    level = float(asked.pop("level_variance", 0.05))
    outlook = Outlook(
        demand=rng.poisson(mean * rng.gamma(4, 0.25, (PATHS, 1))).astype(np.float64),
        weights=np.full(PATHS, 1 / PATHS),
        mean=mean,
        variance=1.5 * mean,
        known=np.where(rng.random((PATHS, PERIODS)) < 0.1, 1.7, 1.0),
        surge=surge,
        surge_stays=0.8,
        level_variance=level,
        resumes=resumes if late else None,
    )
    settings = {
        "steps": OrderSteps(max_order=NO_MAXIMUM),
        "lead_time": 4,
        "later_lead_time": 5,
    } | asked
    order_cost = float(settings.pop("order_cost", 0.0))
    if supplier:
        settings["lead_times"] = rng.integers(1, 9, (PATHS, 1 + PERIODS))
        settings["shares"] = rng.uniform(0, 1, PATHS)
    return OrderProblem(
        outlook=outlook,
        costs=OrderCosts(0.3, 4.0, order_cost, 1.5),
        on_hand=15,
        due=rng.integers(0, 9, PERIODS).astype(np.float64),
        **settings,
    )


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("z", [-1.0, 0.5, 2.0])
def test_paths_side_by_side_cost_what_each_costs_alone(case: str, z: float) -> None:
    rng = np.random.default_rng(len(case))
    for quantity in (0.0, 1.0, 36.0, 400.0):
        one = problem(rng, **CASES[case])
        together, alone = np.empty(PATHS), np.empty(PATHS)
        path_costs(rollout_of(one), quantity, 4.0, z, together)
        plain_rollout.path_costs(plain_rollout.rollout_of(one), quantity, 4.0, z, alone)
        np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-12)
