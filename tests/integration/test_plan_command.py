"""The command `plan`: the contract of its files, its record, and every mistake a planner makes."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core_modules.decision_inputs import replayed
from core_modules.forecasting import item_processes
from core_modules.inventory_agent import AgentSettings, Priority
from core_modules.market_beliefs import ShockPrior
from core_modules.order_planning import PlanFiles, RoomLimits
from core_modules.plan_command import run_plan

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
COLUMNS = [
    "unique_id", "quantity", "due", "urgency", "needs_review", "reason", "expected_cost",
    "stockout_risk", "projected_stock", "reorder_point", "order_up_to",
]  # fmt: skip
FILES = PlanFiles(
    EXAMPLES / "sales.csv",
    EXAMPLES / "stock.csv",
    EXAMPLES / "open_orders.csv",
    EXAMPLES / "items.csv",
    EXAMPLES / "events.toml",
)


def plan(out: Path, files: PlanFiles = FILES, **changed: Any) -> pd.DataFrame:
    """Run the command and read the orders back."""
    given: dict[str, Any] = {
        "sales_format": "auto",
        "freq": "D",
        "as_of": None,
        "profile": None,
        "limits": RoomLimits(),
        "seed": 0,
        "engine": "prophet",
        "jobs": 1,
        "json": False,
    }
    run_plan(files=files, out=out, **{**given, **changed})
    return pd.read_csv(out, dtype={"unique_id": str})


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("plan") / "orders.csv"
    plan(out)
    return out


@pytest.fixture(scope="module")
def weekly_shop(tmp_path_factory: pytest.TempPathFactory) -> PlanFiles:
    """Return two years of weekly sales of three items in two groups, with stockouts."""
    folder = tmp_path_factory.mktemp("weekly")
    rng = np.random.default_rng(7)
    weeks = pd.date_range("2022-04-11", periods=104, freq="7D")
    rows = []
    for name, mean in (("a", 12.0), ("b", 5.0), ("c", 2.0)):
        units = rng.poisson(mean, weeks.size)
        in_stock = rng.random(weeks.size) > 0.05
        rows += [
            f"{name},{week:%Y-%m-%d},{count if there else 0},{str(bool(there)).lower()}"
            for week, count, there in zip(weeks, units, in_stock, strict=True)
        ]
    (folder / "sales.csv").write_text("unique_id,ds,y,in_stock\n" + "\n".join(rows) + "\n")
    (folder / "stock.csv").write_text("unique_id,on_hand\na,20\nb,4\nc,30\n")
    (folder / "open_orders.csv").write_text("unique_id,due,quantity\na,2024-04-17,9\n")
    (folder / "items.csv").write_text(
        "unique_id,store,unit_price,unit_cost,holding_cost,shortage_cost,lead_time\n"
        "a,north,3,2,0.2,1,3\nb,north,3,2,0.2,1,3\nc,south,3,2,0.2,1,3\n"
    )
    return PlanFiles(
        folder / "sales.csv", folder / "stock.csv", folder / "open_orders.csv", folder / "items.csv"
    )


def test_every_item_has_one_row_with_the_columns_of_the_contract(planned: Path) -> None:
    orders = pd.read_csv(planned, dtype={"unique_id": str})
    items = pd.read_csv(EXAMPLES / "items.csv", dtype={"unique_id": str})
    assert orders.columns.tolist() == COLUMNS
    assert orders["unique_id"].tolist() == sorted(items["unique_id"])
    assert set(orders["urgency"]) <= {"critical", "high", "normal", "low"}
    assert orders["stockout_risk"].between(0, 1).all()
    assert orders["reason"].str.len().min() > 20
    ordered = orders["quantity"] > 0
    assert orders["due"].notna().tolist() == ordered.tolist()


def test_orders_keep_the_items_limits_and_come_after_the_lead_time(planned: Path) -> None:
    orders = pd.read_csv(planned, dtype={"unique_id": str})
    items = pd.read_csv(EXAMPLES / "items.csv", dtype={"unique_id": str})
    both = orders.merge(items, on="unique_id")
    both = both[both["quantity"] > 0]
    assert (both["quantity"] % both["pack_size"] == 0).all()
    assert (both["quantity"] >= both["moq"]).all()
    assert (both["quantity"] <= both["max_order"].fillna(np.inf)).all()
    # The history ends on 2025-12-31: lead time 3 arrives at the start of 3 January.
    due = pd.to_datetime("2025-12-31") + pd.to_timedelta(both["lead_time"], unit="D")
    assert (pd.to_datetime(both["due"]) == due).all()


def test_the_record_beside_the_orders_makes_every_decision_again(planned: Path) -> None:
    record = planned.with_name("orders-record")
    run = json.loads((record / "run.json").read_text())
    assert run["profile"]["source"].startswith("the shipped default")
    assert set(run["inputs"]) == {path.name for path in FILES.given}
    settings = AgentSettings(
        **{
            **run["settings"]["agent"],
            "priority": Priority(run["settings"]["agent"]["priority"]),
            "shocks": ShockPrior(**run["settings"]["agent"]["shocks"]),
        }
    )
    again = dict(replayed(record / "decision_inputs.jsonl.gz", settings))
    orders = pd.read_csv(planned, dtype={"unique_id": str})
    assert list(again) == [f"2025-12-31/{name}" for name in orders["unique_id"]]
    assert [one.quantity for one in again.values()] == orders["quantity"].tolist()
    assert [one.reason for one in again.values()] == orders["reason"].tolist()


def test_the_same_files_give_the_same_bytes(planned: Path, tmp_path: Path) -> None:
    plan(tmp_path / "orders.csv")
    assert (tmp_path / "orders.csv").read_bytes() == planned.read_bytes()
    for file in planned.with_name("orders-record").iterdir():
        again = tmp_path / "orders-record" / file.name
        assert again.read_bytes() == file.read_bytes(), file.name


def test_two_processes_write_the_bytes_of_one(
    planned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_processes, "FEWEST", 1)
    plan(tmp_path / "orders.csv", jobs=2)
    assert (tmp_path / "orders.csv").read_bytes() == planned.read_bytes()
    for name in ("decisions.csv", "decision_inputs.jsonl.gz", "classes.csv"):
        again = tmp_path / "orders-record" / name
        assert again.read_bytes() == (planned.with_name("orders-record") / name).read_bytes(), name


def test_a_budget_is_kept_and_named_where_it_cuts(planned: Path, tmp_path: Path) -> None:
    alone = pd.read_csv(planned, dtype={"unique_id": str})
    items = pd.read_csv(EXAMPLES / "items.csv", dtype={"unique_id": str})
    cost = items.set_index("unique_id")["unit_cost"]
    free = float((alone["quantity"] * alone["unique_id"].map(cost)).sum())
    orders = plan(tmp_path / "orders.csv", limits=RoomLimits(budget=free / 2))
    spent = float((orders["quantity"] * orders["unique_id"].map(cost)).sum())
    assert free / 4 < spent <= free / 2
    changed = orders["quantity"] != alone["quantity"]
    assert changed.any()
    assert orders["reason"][changed].str.contains("Limits shared with other items").all()
    assert (orders["expected_cost"][changed] >= alone["expected_cost"][changed]).all()
    assert (orders["stockout_risk"][changed] >= alone["stockout_risk"][changed]).all()
    both = orders.merge(items, on="unique_id")
    assert (both["quantity"] % both["pack_size"] == 0).all()


def test_the_warehouse_holds_all_on_hand_and_on_order(planned: Path, tmp_path: Path) -> None:
    taken = sum(
        pd.read_csv(EXAMPLES / name)[column].sum()
        for name, column in (("stock.csv", "on_hand"), ("open_orders.csv", "quantity"))
    )
    orders = plan(tmp_path / "orders.csv", limits=RoomLimits(capacity=float(taken) + 100))
    assert 0 < orders["quantity"].sum() <= 100


def test_suppliers_minimums_and_order_days_are_kept(planned: Path, tmp_path: Path) -> None:
    items = pd.read_csv(EXAMPLES / "items.csv", dtype=str)
    items["supplier"] = items["category"]
    items.to_csv(tmp_path / "items.csv", index=False)
    # 2025-12-31 is a Wednesday.
    (tmp_path / "suppliers.csv").write_text(
        "supplier,minimum_order_value,order_days\nDrinks,1e6,\nBakery,90,\nHousehold,,mon thu\n"
    )
    files = replace(FILES, items=tmp_path / "items.csv", suppliers=tmp_path / "suppliers.csv")
    orders = plan(tmp_path / "orders.csv", files).set_index("unique_id")
    by = items.set_index("unique_id")["supplier"]
    assert (orders["quantity"][by[by == "Drinks"].index] == 0).all()
    bakery = orders["quantity"][by[by == "Bakery"].index]
    value = float((bakery * items.set_index("unique_id")["unit_cost"].astype(float)).sum())
    assert value == 0 or value >= 90
    household = orders.loc[by[by == "Household"].index]
    assert (household["quantity"] == 0).all()
    assert household["reason"].str.contains("the next on 2026-01-01").all()


def test_the_examples_with_every_limit_at_once_keep_them_all(tmp_path: Path) -> None:
    files = replace(
        FILES,
        items=EXAMPLES / "plan_items.csv",
        suppliers=EXAMPLES / "suppliers.csv",
        service_by_class=EXAMPLES / "service_by_class.csv",
    )
    orders = plan(tmp_path / "orders.csv", files, limits=RoomLimits(budget=400, capacity=1300))
    both = orders.merge(pd.read_csv(files.items, dtype={"unique_id": str}), on="unique_id")
    both["value"] = both["quantity"] * both["unit_cost"]
    assert 0 < both["value"].sum() <= 400
    values = both.groupby("supplier")["value"].sum()
    # 2025-12-31 is a Wednesday: all take orders.
    assert values["Getraenke Nord"] == 0 or values["Getraenke Nord"] >= 150
    assert values["Wholesale Ltd"] == 0 or values["Wholesale Ltd"] >= 120
    there = sum(
        pd.read_csv(path, dtype={"unique_id": str})
        .merge(both, on="unique_id")
        .eval(f"{column} * volume")
        .sum()
        for path, column in ((files.stock, "on_hand"), (files.open_orders, "quantity_x"))
    )
    assert there + (both["quantity"] * both["volume"]).sum() <= 1300
    assert (both["quantity"] % both["pack_size"] == 0).all()


def test_what_is_worth_its_haste_is_sent_fast(tmp_path: Path) -> None:
    items = pd.read_csv(EXAMPLES / "items.csv", dtype=str)
    items["expedite_cost"], items["expedited_lead_time"] = "", ""
    household = items["category"] == "Household"
    items.loc[household, ["expedite_cost", "expedited_lead_time"]] = ["0.01", "1"]
    items.loc[household, "order_cost"] = "0"
    items.to_csv(tmp_path / "items.csv", index=False)
    orders = plan(tmp_path / "orders.csv", replace(FILES, items=tmp_path / "items.csv"))
    fast = orders.set_index("unique_id").loc["02340"]
    assert (fast["due"], fast["reason"].endswith("It is sent fast.")) == ("2026-01-01", True)


def test_a_profile_is_used_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], planned: Path
) -> None:
    (tmp_path / "mine.json").write_text(
        '{"format": "planning-profile/1", "name": "mine", "freq": "D", "priority": "cost", '
        '"shortage_weight": 0.1, "shock_factor": 0, "service_by_class": {"C": 0.9}}'
    )
    orders = plan(tmp_path / "orders.csv", profile=tmp_path / "mine.json")
    assert "profile: mine.json" in capsys.readouterr().err
    assert orders["quantity"].sum() < pd.read_csv(planned)["quantity"].sum()
    run = json.loads((tmp_path / "orders-record" / "run.json").read_text())
    assert set(run["service_targets"].values()) == {0.0, 0.9}


def test_weeks_are_planned_in_weeks(weekly_shop: PlanFiles, tmp_path: Path) -> None:
    orders = plan(tmp_path / "orders.csv", weekly_shop, freq="W", as_of=date(2024, 4, 5))
    ordered = orders[orders["quantity"] > 0]
    # The last complete week is that of 1 April; the order arrives at the start of the third after.
    assert set(ordered["due"]) == {"2024-04-22"}
    assert ordered["reason"].str.contains("2024-04-22").all()
    assert orders.set_index("unique_id")["quantity"]["b"] > 0
    assert orders.set_index("unique_id")["quantity"]["c"] == 0


def test_json_holds_the_orders_with_their_class(
    weekly_shop: PlanFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan(tmp_path / "orders.csv", weekly_shop, freq="W", json=True)
    shown = json.loads(capsys.readouterr().out)
    assert [one["unique_id"] for one in shown] == ["a", "b", "c"]
    assert {*COLUMNS, "class"} == set(shown[0])


def test_overdue_and_far_open_orders_and_missing_stock_are_told(
    weekly_shop: PlanFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "open.csv").write_text(
        "unique_id,due,quantity\na,2024-03-04,9\nb,2029-01-01,4\nc,2024-04-10,1\n"
    )
    (tmp_path / "stock.csv").write_text("unique_id,on_hand\na,20\nb,4\n")
    files = replace(weekly_shop, open_orders=tmp_path / "open.csv", stock=tmp_path / "stock.csv")
    plan(tmp_path / "orders.csv", files, freq="W")
    told = capsys.readouterr().err
    assert "1 open order is due by 2024-03-04, 'a' first, and not yet in stock" in told
    assert "1 open order is due on 2029-01-01 or later, 'b' first" in told
    assert "stock.csv has no row for 'c': 0 on hand is taken" in told


Mistake = Callable[[Path], dict[str, Any]]


def written(name: str, field: str, content: str) -> Mistake:
    def make(folder: Path) -> dict[str, Any]:
        (folder / name).write_text(content)
        return {"files": {field: folder / name}}

    return make


def _written(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def _items_with_supplier(folder: Path) -> Path:
    return _written(folder / "i.csv", "unique_id,supplier\na,N\nb,N\nc,N\n")


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        (written("s.csv", "stock", "unique_id,on_hand\na,1\nzz,3\n"), "is not an item"),
        (written("s.csv", "stock", "unique_id,on_hand\na,-1\n"), "must be >= 0"),
        (written("s.csv", "stock", "unique_id,on_hand\na,1.5\n"), "is not a whole number"),
        (written("s.csv", "stock", "unique_id,on_hand\na,1\na,2\n"), "keep one row an item"),
        (written("s.csv", "stock", "unique_id,units\na,1\n"), "rename 'units' to on_hand"),
        (written("s.csv", "stock", ""), "is empty"),
        (written("o.csv", "open_orders", "unique_id,due,quantity\nzz,2024-05-01,1\n"), "zz"),
        (written("o.csv", "open_orders", "unique_id,due,quantity\na,01/05/2024,1\n"), "ISO date"),
        (written("o.csv", "open_orders", "unique_id,due,quantity\na,2024-05-01,0\n"), ">= 1"),
        (written("i.csv", "items", "unique_id,lead_time\na,1\nb,2\n"), "has no row for 'c'"),
        (written("i.csv", "items", "unique_id,lead_time\na,0\nb,1\nc,1\n"), "must be >= 1"),
        (
            written("i.csv", "items", "unique_id,led_time\na,1\nb,1\nc,1\n"),
            "rename it to lead_time",
        ),
        (written("i.csv", "items", "unique_id,volumes\na,1\nb,1\nc,1\n"), "rename it to volume"),
        (
            written("i.csv", "items", "unique_id,expedite_cost\na,1\nb,\nc,\n"),
            "expedite_cost and expedited_lead_time together",
        ),
        (written("e.toml", "events", "[[event]]\nkind = 'viral'\n"), "start"),
        (
            written(
                "e.toml",
                "events",
                "[[event]]\nkind = 'viral'\nstart = 2024-05-01\ndays = 3\nitems = ['q']\n",
            ),
            "names item 'q'",
        ),
        (written("u.csv", "suppliers", "supplier\nNorth\n"), "no item names its supplier"),
        (
            lambda folder: {
                "files": {
                    "items": _items_with_supplier(folder),
                    "suppliers": _written(folder / "u.csv", "supplier,order_days\nN,mon\n"),
                }
            },
            "need --freq D",
        ),
        (
            lambda folder: {
                "files": {
                    "items": _items_with_supplier(folder),
                    "suppliers": _written(folder / "u.csv", "supplier\nSouth\n"),
                }
            },
            "supplier 'N' is not in",
        ),
        (written("c.csv", "service_by_class", "class,service\nA,99\n"), "0.98"),
        (lambda _: {"freq": "D"}, "read the file with freq W"),
        (lambda _: {"freq": "M"}, "--freq must be D"),
        (lambda _: {"as_of": date(2020, 1, 1)}, "has no sales up to"),
        (lambda _: {"as_of": date(2031, 1, 1)}, "more than a year"),
        (lambda folder: {"profile": folder / "none.json"}, "there is no such profile"),
        (lambda folder: {"out": folder}, "is a folder"),
        (lambda folder: {"out": folder / "none" / "orders.csv"}, "there is no such folder"),
        (lambda folder: {"files": {"sales": folder / "none.csv"}}, "there is no such file"),
    ],
)
def test_wrong_input_is_one_clear_line_and_leaves_nothing(
    mistake: Mistake, told: str, weekly_shop: PlanFiles, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    changed: dict[str, Any] = {"freq": "W", "out": tmp_path / "out" / "orders.csv"}
    changed |= mistake(tmp_path)
    files = replace(weekly_shop, **changed.pop("files", {}))
    with pytest.raises(ValueError, match=told) as refused:
        plan(changed.pop("out"), files, **changed)
    assert "\n" not in str(refused.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_the_orders_never_overwrite_an_input(weekly_shop: PlanFiles, tmp_path: Path) -> None:
    mine = shutil.copy(weekly_shop.sales, tmp_path / "sales.csv")
    before = Path(mine).read_bytes()
    with pytest.raises(ValueError, match="is an input of this plan"):
        plan(Path(mine), replace(weekly_shop, sales=Path(mine)), freq="W")
    assert Path(mine).read_bytes() == before
