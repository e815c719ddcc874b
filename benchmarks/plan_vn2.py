"""Plans orders for the 599 series of VN2 as a planner would, and says how long it took.

    python benchmarks/plan_vn2.py [FOLDER]

reads ../shared/data/vn2 beside the project, writes the planner's files into FOLDER (default: a new
one), and runs the command `plan` on them with an empty cache of fits: weekly, with stock
availability, groups, costs a unit, open orders; then once more with a budget of half the value.
"""

import sys
import tempfile
import time
from pathlib import Path

if not __package__:  # started as a script: our imports begin at the repository root
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import pandas as pd

from core_modules import plan_command
from core_modules.order_planning import PlanFiles, RoomLimits

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "vn2"
KEYS = ["Store", "Product"]
GROUPS = ["Department", "Store"]


def write_plan_files(data: Path, folder: Path) -> PlanFiles:
    """Write the challenge's history, stock, deliveries and costs as the files of a plan."""
    sales = pd.read_csv(data / "Week 0 - 2024-04-08 - Sales.csv")
    flags = pd.read_csv(data / "Week 0 - In Stock.csv")
    state = pd.read_csv(data / "Week 0 - 2024-04-08 - Initial State.csv")
    master = pd.read_csv(data / "Week 0 - Master.csv")
    long = sales.melt(KEYS, var_name="ds", value_name="y").merge(
        flags.melt(KEYS, var_name="ds", value_name="in_stock"), on=[*KEYS, "ds"]
    )
    stock = state.rename(columns={"End Inventory": "on_hand"})
    under_way = pd.concat(
        [
            state.assign(due=due, quantity=state[column])
            for due, column in (("2024-04-15", "In Transit W+1"), ("2024-04-22", "In Transit W+2"))
        ]
    )
    # The game's costs: 0.2 a unit left at the end of a week, 1 a unit lost; ordered at the end of
    # week X, there at the start of week X + 3.
    terms = {"unit_price": 3, "unit_cost": 2, "holding_cost": 0.2, "shortage_cost": 1}
    items = master.assign(**terms, lead_time=3, review_period=1, order_cost=0)
    _write(long.sort_values([*KEYS, "ds"]), ["ds", "y", "in_stock"], folder / "sales.csv")
    _write(stock, ["on_hand"], folder / "stock.csv")
    _write(under_way[under_way["quantity"] > 0], ["due", "quantity"], folder / "open_orders.csv")
    _write(
        items, [*GROUPS, *terms, "lead_time", "review_period", "order_cost"], folder / "items.csv"
    )
    return PlanFiles(
        folder / "sales.csv", folder / "stock.csv", folder / "open_orders.csv", folder / "items.csv"
    )


def _write(frame: pd.DataFrame, columns: list[str], path: Path) -> None:
    names = frame["Store"].astype(str) + "_" + frame["Product"].astype(str)
    frame.assign(unique_id=names)[["unique_id", *columns]].to_csv(path, index=False)


def timed_plan(files: PlanFiles, out: Path, limits: RoomLimits) -> tuple[pd.DataFrame, float]:
    """Run the command; return the orders and the seconds it took."""
    begun = time.perf_counter()
    plan_command.run_plan(
        files=files,
        sales_format="auto",
        freq="W",
        as_of=None,
        profile=None,
        limits=limits,
        seed=0,
        out=out,
        jobs=2,
        json=False,
    )
    return pd.read_csv(out), time.perf_counter() - begun


def main(folder: Path) -> int:
    """Print the time and the totals; return the exit code."""
    if not DATA.is_dir():
        print(f"missing {DATA}: the orders are planned from it", file=sys.stderr)
        return 2
    plan_command.FIT_CACHE = folder / "fits"
    files = write_plan_files(DATA, folder)
    free, seconds = timed_plan(files, folder / "orders.csv", RoomLimits())
    value = 2 * int(free["quantity"].sum())
    limits = RoomLimits(budget=value / 2)
    half, more = timed_plan(files, folder / "orders_half.csv", limits)
    print(f"{len(free)} pairs: {free['quantity'].sum():,} units in {seconds:.1f} s")
    print(
        f"with half the money: {half['quantity'].sum():,} units"
        f" worth {2 * half['quantity'].sum():,} of {value / 2:,.0f} in {more:.1f} s, expected cost "
        f"{half['expected_cost'].sum() / free['expected_cost'].sum() - 1:+.1%}"
    )
    return 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(Path(sys.argv[1])))
    with tempfile.TemporaryDirectory() as made:
        sys.exit(main(Path(made)))
