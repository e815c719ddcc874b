"""A planner's files of a generated shop: sales, stock and items of the size that is asked for."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from core_modules.demand_pattern import DemandPattern, LevelStep, shipped_patterns
from core_modules.order_planning import PlanFiles
from core_modules.synthetic_generator import generate_demand

LAST_DAY = date(2024, 6, 30)
CHUNK = 2_000  # items generated and written at a time
GROUPS = 10


@dataclass(frozen=True, slots=True)
class Shop:
    """What is generated."""

    items: int
    days: int  # of history
    level: float = 1.0  # multiple of the patterns' sales
    seed: int = 1


def shop_patterns(shop: Shop) -> list[DemandPattern]:
    """Return the patterns shipped of two shops, repeated, at levels about their own."""
    live = [
        pattern
        for name in ("m5_foods3_tx3", "online_retail")
        for pattern in shipped_patterns(name)
        if pattern.level > 0
    ]
    scale = shop.level * np.random.default_rng(shop.seed).lognormal(0, 1, shop.items)
    return [
        _scaled(live[number % len(live)], float(size), number) for number, size in enumerate(scale)
    ]


def _scaled(pattern: DemandPattern, size: float, number: int) -> DemandPattern:
    steps = tuple(LevelStep(step.start, step.level * size) for step in pattern.steps)
    return replace(pattern, name=f"item{number:06d}", steps=steps)


def write_shop(shop: Shop, folder: Path) -> PlanFiles:
    """Write `sales.csv`, `stock.csv` and `items.csv`; return them as a plan's files."""
    folder.mkdir(parents=True, exist_ok=True)
    patterns = shop_patterns(shop)
    first = LAST_DAY - timedelta(days=shop.days - 1)
    rng = np.random.default_rng(shop.seed)
    recent = np.empty(shop.items)
    days = pa.array([(first + timedelta(days=day)).isoformat() for day in range(shop.days)])
    text = arrow_csv.WriteOptions(quoting_style="none")
    schema = pa.schema([("unique_id", pa.string()), ("ds", pa.string()), ("y", pa.int64())])
    with arrow_csv.CSVWriter(folder / "sales.csv", schema, write_options=text) as sales:
        for start in range(0, shop.items, CHUNK):
            chunk = patterns[start : start + CHUNK]
            units = generate_demand(chunk, None, first, shop.days, 1, rng)[:, 0]
            recent[start : start + len(chunk)] = units[:, -90:].mean(axis=1)
            names = pa.array([pattern.name for pattern in chunk])
            rows = {
                "unique_id": names.take(pa.array(np.repeat(np.arange(len(chunk)), shop.days))),
                "ds": days.take(pa.array(np.tile(np.arange(shop.days), len(chunk)))),
                "y": pa.array(units.ravel()),
            }
            sales.write_table(pa.table(rows, schema))
    names = [pattern.name for pattern in patterns]
    stock = np.floor(recent * rng.uniform(0, 14, shop.items)).astype(np.int64)
    price = np.round(rng.lognormal(2, 0.7, shop.items), 2) + 0.5
    items = {
        "unique_id": names,
        "unit_price": price,
        "unit_cost": np.round(price * rng.uniform(0.5, 0.8, shop.items), 2),
        "lead_time": rng.integers(2, 8, shop.items),
        "review_period": rng.choice([1, 7], shop.items),
        "pack_size": rng.choice([1, 1, 1, 6, 12], shop.items),
        "order_cost": rng.choice([0.0, 0.0, 5.0], shop.items),
        "category": [f"group{number % GROUPS}" for number in range(shop.items)],
    }
    arrow_csv.write_csv(pa.table({"unique_id": names, "on_hand": stock}), folder / "stock.csv")
    arrow_csv.write_csv(pa.table(items), folder / "items.csv")
    return PlanFiles(folder / "sales.csv", folder / "stock.csv", items=folder / "items.csv")
