"""The command `backtest`: tuned on the past only, reported on what came after, saved to a file."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core_modules.agent_rules import Priority
from core_modules.backtest_command import run_backtest
from core_modules.planning.backtest_cases import origin_cases, read_received
from core_modules.planning.backtest_runs import FittedOrigin, run_on
from core_modules.planning.plan_inputs import PlanFiles, read_plan
from core_modules.planning.profiles import read_profile
from core_modules.simulation import Observation

WEEKS = pd.date_range("2022-04-11", periods=104, freq="7D")
ITEMS = (("a", 12.0), ("b", 5.0), ("c", 2.0))


def write_shop(folder: Path, *, last_weeks_double: int = 0) -> PlanFiles:
    """Write two years of weekly sales, the last weeks' doubled on wish."""
    rng = np.random.default_rng(7)
    rows = []
    for name, mean in ITEMS:
        units = rng.poisson(mean, WEEKS.size)
        units[WEEKS.size - last_weeks_double :] *= 2
        there = rng.random(WEEKS.size) > 0.05
        rows += [
            f"{name},{week:%Y-%m-%d},{count if here else 0},{str(bool(here)).lower()}"
            for week, count, here in zip(WEEKS, units, there, strict=True)
        ]
    (folder / "sales.csv").write_text("unique_id,ds,y,in_stock\n" + "\n".join(rows) + "\n")
    (folder / "items.csv").write_text(
        "unique_id,unit_price,unit_cost,holding_cost,shortage_cost,lead_time\n"
        "a,3,2,0.2,1,3\nb,3,2,0.2,1,3\nc,3,2,0.2,1,3\n"
    )
    return PlanFiles(folder / "sales.csv", items=folder / "items.csv")


def backtest(files: PlanFiles, out: Path, **changed: Any) -> dict[str, Any]:
    """Run the command and read its figures back."""
    given: dict[str, Any] = {
        "orders": None,
        "sales_format": "auto",
        "freq": "W",
        "as_of": None,
        "item": None,
        "top": None,
        "origins": 3,
        "periods": None,
        "save": None,
        "seed": 0,
        "jobs": 1,
        "json": False,
    }
    run_backtest(files=files, out=out, **{**given, **changed})
    figures: dict[str, Any] = json.loads((out / "backtest.json").read_text())
    return figures


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backtest")
    backtest(write_shop(folder), folder / "out", save=folder / "mine.json")
    return folder


def test_every_policy_is_reported_on_the_last_origin(tested: Path) -> None:
    figures = json.loads((tested / "out" / "backtest.json").read_text())
    assert figures["tuned_after"] == ["2023-10-16", "2023-12-11"]
    assert figures["reported_from"] == "2024-02-12"  # the last 8 weeks end with that of 1 April
    table = {row["policy"]: row for row in figures["reported"]}
    assert {"agent", "order-up-to", "days-of-cover", "clairvoyant"} <= set(table)
    bound = table["clairvoyant"]["cost"]
    assert all(row["cost"] >= bound - 1e-9 for row in table.values())
    assert table["agent"]["above_agent"] == 0
    by_item = pd.read_csv(tested / "out" / "by_item.csv")
    costs = by_item.groupby("policy")["cost"].sum()
    assert costs["agent"] == pytest.approx(table["agent"]["cost"])


def test_what_was_tuned_is_saved_as_a_profile_that_says_where_it_is_from(tested: Path) -> None:
    profile = read_profile(tested / "mine.json")
    assert (profile.freq, profile.priority, profile.shock_factor) == ("W", Priority.COST, 0.0)
    cost = {one["shortage_weight"]: one["cost"] for one in profile.tuned_on["tried"]}
    assert cost[profile.shortage_weight] <= cost[1.0]
    assert profile.tuned_on["source"] == "sales"
    assert len(profile.tuned_on["digest"]) == 64


def test_the_weeks_reported_change_nothing_that_is_tuned(tested: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = backtest(write_shop(tmp_path / "other", last_weeks_double=8), tmp_path / "out")
    usual = json.loads((tested / "out" / "backtest.json").read_text())
    assert other["tried"] == usual["tried"]
    assert [row["tuned"] for row in other["reported"]] == [
        row["tuned"] for row in usual["reported"]
    ]
    assert other["reported"] != usual["reported"]


def test_what_was_received_is_judged_by_the_same_costs(tmp_path: Path) -> None:
    files = write_shop(tmp_path)
    # Ten times as much as sells, every week: all is held.
    rows = [f"{name},{week:%Y-%m-%d},{round(10 * mean)}" for name, mean in ITEMS for week in WEEKS]
    (tmp_path / "received.csv").write_text("unique_id,ds,quantity\n" + "\n".join(rows) + "\n")
    figures = backtest(files, tmp_path / "out", orders=tmp_path / "received.csv")
    done = next(row for row in figures["reported"] if row["policy"] == "as done")
    assert done["above_agent"] > 1
    assert done["fill_rate"] == 1


def test_the_opening_stock_is_the_least_that_made_the_sales_possible(tmp_path: Path) -> None:
    inputs = read_plan(write_shop(tmp_path), freq="W")
    (tmp_path / "received.csv").write_text("unique_id,ds,quantity\na,2024-02-14,40\n")
    received = read_received(tmp_path / "received.csv", inputs)
    (case,) = origin_cases(inputs, origins=1, periods=8, received=received)
    sold = case.case.market.demand[:, 0]
    assert case.case.opening_stock[1] == sold[1].sum()
    # 40 came in the first week; nothing is missing before it, as it comes at the week's start.
    assert case.case.opening_stock[0] == max((np.cumsum(sold[0]) - 40).max(), 0)
    assert case.case.opening_orders[0].tolist() == [40, 0, 0, 0, 0, 0, 0, 0]


def test_todays_stock_and_what_was_received_give_the_stock_of_the_past(tmp_path: Path) -> None:
    files = write_shop(tmp_path)
    (tmp_path / "stock.csv").write_text("unique_id,on_hand\na,70\nb,5\nc,5\n")
    (tmp_path / "received.csv").write_text("unique_id,ds,quantity\na,2024-02-14,40\n")
    inputs = read_plan(replace(files, stock=tmp_path / "stock.csv"), freq="W")
    received = read_received(tmp_path / "received.csv", inputs)
    (case,) = origin_cases(inputs, origins=1, periods=8, received=received)
    # What is there now was there then, less what came, plus what went.
    assert case.case.opening_stock[0] == 70 + case.case.market.demand[0].sum() - 40


def test_a_week_the_shop_was_out_of_stock_teaches_the_agent_nothing(tmp_path: Path) -> None:
    inputs = read_plan(write_shop(tmp_path), freq="W")
    (case,) = origin_cases(inputs, origins=1, periods=8)
    assert case.unknown.any()
    seen = []

    class Watcher:
        name = "watcher"

        def order(self, observation: Observation) -> np.ndarray:
            seen.append(observation.ran_out[:, 0])
            return np.zeros_like(observation.on_hand)

    plenty = replace(case, case=replace(case.case, opening_stock=np.full(3, 10_000)))
    run_on(FittedOrigin(plenty, (), {}), Watcher())
    assert (case.unknown == np.array(seen).T).all()


def test_periods_out_of_stock_and_before_the_first_delivery_do_not_count(tmp_path: Path) -> None:
    inputs = read_plan(write_shop(tmp_path), freq="W")
    (case,) = origin_cases(inputs, origins=1, periods=8)
    frame = inputs.history.frame
    last = frame[frame["ds"] > pd.Timestamp(case.origin)]
    there = last.pivot(index="unique_id", columns="ds", values="in_stock").to_numpy()
    assert not case.scored[:, :3].any()
    assert (case.scored[:, 3:] == there[:, 3:]).all()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"origins": 1}, "--origins must be >= 2"),
        ({"periods": 60}, "use fewer or shorter ones"),
        ({"freq": "D"}, "read the file with freq W"),
        ({"freq": "Y"}, "--freq must be D"),
        ({"item": ["zz"]}, "no item 'zz'"),
        ({"stock": Path("stock.csv")}, "--stock needs --orders"),
        ({"save": Path("nowhere") / "mine.json"}, "name a file in a folder that is there"),
        ({"orders": Path("none.csv")}, "there is no such file"),
    ],
)
def test_wrong_input_is_one_clear_line_and_leaves_nothing(
    changed: dict[str, Any], told: str, tmp_path: Path
) -> None:
    given = dict(changed)
    files = replace(write_shop(tmp_path), stock=given.pop("stock", None))
    with pytest.raises(ValueError, match=told) as refused:
        backtest(files, tmp_path / "out", **given)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_receipts_of_unknown_items_are_refused(tmp_path: Path) -> None:
    files = write_shop(tmp_path)
    (tmp_path / "received.csv").write_text("unique_id,ds,quantity\nzz,2024-02-14,40\n")
    with pytest.raises(ValueError, match="the sales have no 'zz'"):
        backtest(files, tmp_path / "out", orders=tmp_path / "received.csv")
