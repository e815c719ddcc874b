"""The rules of the VN2 games, on histories small enough to work by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.vn2_games import Stock, bootstrap, game_costs, games, play
from benchmarks.vn2_history import History, read_history
from benchmarks.vn2_policies import benchmark_policy, quantile_order


def history(units: np.ndarray) -> History:
    weeks = pd.date_range("2021-04-12", periods=units.shape[1], freq="W-MON")
    ids = np.array([f"item{k}" for k in range(units.shape[0])])
    groups = pd.DataFrame({"unique_id": ids, "department": "d", "store": "s"})
    return History(ids, weeks, units, groups)


def test_an_order_arrives_at_the_start_of_the_third_week_after_its_evening() -> None:
    # Nothing sells; 5 units are ordered on the first evening only, and held from the third week on.
    world = history(np.zeros((1, 6)))

    def once(place: int, on_hand: np.ndarray, due: np.ndarray) -> np.ndarray:
        return np.array([5.0 if place == 0 else 0.0])

    costs, after = play(world, 0, 4, Stock(np.zeros(1), np.zeros((1, 2))), once)
    assert costs.tolist() == [[0.0, 0.0, pytest.approx(1.0), pytest.approx(1.0)]]  # 5 * 0.2
    assert after.on_hand.tolist() == [5.0]


def test_a_unit_lost_costs_one_and_a_unit_left_a_fifth() -> None:
    # 3 on the shelf, 2 due each week: 5 wanted of 5, then 4 of 2, then 0 of 0
    world = history(np.array([[5.0, 4.0, 0.0]]))

    def never(place: int, on_hand: np.ndarray, due: np.ndarray) -> np.ndarray:
        return np.zeros(1)

    costs, _ = play(world, 0, 3, Stock(np.array([3.0]), np.array([[2.0, 2.0]])), never)
    assert costs[0] == pytest.approx([0.0, 2.0, 0.0])


def test_a_week_out_of_stock_sells_nothing_and_is_not_scored() -> None:
    world = history(np.array([[np.nan, 1.0]]))
    costs, after = play(
        world, 0, 2, Stock(np.array([4.0]), np.zeros((1, 2))), lambda *_: np.zeros(1)
    )
    assert costs[0] == pytest.approx([0.0, 0.6])  # 3 left at 0.2
    assert after.on_hand.tolist() == [3.0]


def test_steady_demand_leaves_the_benchmark_with_the_stock_of_one_week_too_many() -> None:
    # 4 a week: it orders up to 16 on the shelf and on the way, of which 12 sell before the next
    # chance arrives; 4 are left each week, and none is lost.
    world = history(np.full((2, 157), 4.0))
    policy = benchmark_policy(world)
    played = games(world, policy)
    assert [game.first for game in played] == list(range(85, 157, 8))
    costs = game_costs(world, played[-1], policy)
    assert costs == pytest.approx(np.full((2, 8), 0.8))


def test_an_item_that_hardly_sells_is_not_scored() -> None:
    units = np.full((2, 157), 4.0)
    units[1] = 0.0
    world = history(units)
    assert games(world, benchmark_policy(world))[0].scored.tolist() == [True, False]


def test_what_is_lost_on_the_way_is_not_made_up_by_the_order() -> None:
    # Stock 2, demand 5 then 1 with 3 due in the second week: 2 are left, so 4 of 6 are lacking.
    paths = np.array([[[5.0, 1.0, 6.0]]])
    order = quantile_order(paths, np.array([2.0]), np.array([[0.0, 3.0]]), 0.8)
    assert order.tolist() == [4.0]


def test_the_interval_of_equal_costs_is_one() -> None:
    costs = np.array([1.0, 5.0, 2.0])
    assert bootstrap(costs, costs) == (1.0, 1.0)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"Sales\.csv is missing; get the VN2 challenge"):
        read_history(tmp_path)
