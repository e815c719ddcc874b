"""Measures what is worth knowing of a stockout: four ways to take the sales of such a day.

    python benchmarks/learning_censored.py

The level of a demand model follows the sales of its own shop, whose orders follow the model, so a
forecast that mistakes sales for demand starves itself. True demand is known: drawn (negative
binomial, weekly pattern, a level that walks), or the recorded sales of M5 items before the shop's
too small stock cut them.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)

from collections.abc import Sequence  # noqa: E402 - the guard above comes first
from dataclasses import dataclass  # noqa: E402
from datetime import date, timedelta  # noqa: E402

import numpy as np  # noqa: E402

from benchmarks.learning_orders import (  # noqa: E402
    FloatArray,
    daily_cost,
    fill_rate,
    item_terms,
    newsvendor_orders,
    paired_ratio,
    units_short,
)
from core_modules.demand_forecaster import draw_paths  # noqa: E402
from core_modules.demand_law import negative_binomial_quantile  # noqa: E402
from core_modules.forecasting.forecast_values import DemandModel, standard_uniforms  # noqa: E402
from core_modules.forecasting.level_following import Level, LevelRatio  # noqa: E402
from core_modules.forecasting.observation_law import ObservationLaw  # noqa: E402
from core_modules.inventory import IntArray  # noqa: E402
from core_modules.item_terms import ItemTerms  # noqa: E402
from core_modules.sales_history import read_sales  # noqa: E402
from core_modules.simulation import Observation, build_market, simulate  # noqa: E402

M5 = ROOT.parent / "shared" / "data" / "m5_foods3_tx3"
TREATMENTS = ("zero", "sales", "missing", "imputed")
START, LEAD_TIME, PATHS, SEED = date(2024, 1, 1), 3, 64, 11
ITEMS, DAYS, BURN_IN = 30, 240, 60  # the first days are not scored
PAST = 112  # days before the run that an M5 item's model is made of
SLOW, FAST, GAIN = 0.025, 0.2, 0.4  # the forecaster's own daily level
PENALTIES = (1.0, 4.0, 19.0)


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Demand that no policy sees, and what a forecaster made of the past."""

    name: str
    demand: IntArray  # (items, days) units
    mean: FloatArray  # (items, days) what a forecast is scored against, units
    fitted: FloatArray  # (items, days + lead time) pattern at level 1, units
    laws: tuple[ObservationLaw, ...]


def drawn_world(items: int, days: int, rng: np.random.Generator) -> World:
    """Draw items of 1 to 60 units a day whose level walks by 2.5 % a day."""
    week = np.array([0.8, 0.85, 0.95, 1.0, 1.1, 1.3, 1.0])
    base = np.exp(rng.uniform(0, np.log(60), items))
    reach = days + LEAD_TIME
    fitted = base[:, None] * np.tile(week, reach // 7 + 1)[:reach]
    mean = fitted[:, :days] * np.exp(np.cumsum(0.025 * rng.standard_normal((items, days)), axis=1))
    scale = rng.uniform(1.2, 4.0, items)
    demand = negative_binomial_quantile(
        rng.random((items, days)), mean, mean / (scale[:, None] - 1)
    )
    laws = tuple(ObservationLaw(float(one), 1.0, level_sd=0.1, drift_sd=0.025) for one in scale)
    return World("drawn", demand, mean, fitted, laws)


def m5_world(items: int, days: int) -> World:
    """Take the best sellers of the days before the run; their recorded sales stand for demand."""
    if not M5.exists():
        raise FileNotFoundError(f"missing {M5}: this experiment reads the M5 sales from it")
    wide = read_sales(M5).frame.pivot(index="unique_id", columns="ds", values="y").fillna(0.0)
    sales = wide.to_numpy()
    past = sales[:, -days - PAST : -days]
    best = np.argsort(-past.sum(axis=1), kind="stable")[:items]
    past, demand = past[best], sales[best, -days:].astype(np.int64)
    by_weekday = past.reshape(items, PAST // 7, 7).mean(axis=1)  # the run begins on the same one
    reach = days + LEAD_TIME
    fitted = np.maximum(np.tile(by_weekday, reach // 7 + 1)[:, :reach], 0.05)
    residual = past - np.tile(by_weekday, PAST // 7)
    scales = np.maximum(residual.var(axis=1) * PAST / (PAST - 7) / past.mean(axis=1), 1.0)
    laws = tuple(ObservationLaw(float(one), 1.0, level_sd=0.1, drift_sd=0.025) for one in scales)
    return World("M5", demand, demand.astype(np.float64), fitted, laws)


class Follower:
    """Orders by a demand model whose level takes a stockout day in one of four ways."""

    def __init__(self, world: World, terms: Sequence[ItemTerms], treatment: str) -> None:
        self.name, self._terms = treatment, terms
        self._models = [
            DemandModel(
                one.unique_id, "told", START - timedelta(days=1), fitted, law, _level(fitted)
            )
            for one, fitted, law in zip(terms, world.fitted, world.laws, strict=True)
        ]
        self._uniforms = standard_uniforms(PATHS, LEAD_TIME, SEED)
        self.forecasts: list[FloatArray] = []  # a (items,) array of expected units a day

    def order(self, observation: Observation) -> IntArray:
        """Follow the day's sales, then order for the day of arrival."""
        self.forecasts.append(np.array([float(model.expected[0]) for model in self._models]))
        self._models = [
            self._followed(
                model, int(observation.sales[item, 0]), bool(observation.ran_out[item, 0])
            )
            for item, model in enumerate(self._models)
        ]
        paths = draw_paths(self._models, LEAD_TIME, self._uniforms).astype(np.int64)
        arrives = np.full(paths.shape[:2], LEAD_TIME)
        due = np.zeros((paths.shape[0], LEAD_TIME), dtype=np.int64)
        known = observation.due[:, 0, :LEAD_TIME]
        due[:, : known.shape[1]] = known
        short = units_short(paths, observation.on_hand[:, 0], due, arrives, np.ones_like(arrives))
        return newsvendor_orders(short, self._terms)[:, None]

    def _followed(self, model: DemandModel, sales: int, ran_out: bool) -> DemandModel:
        match self.name:
            case "zero":
                return model.observe(0 if ran_out else sales)
            case "missing":
                return model.observe(sales, multiplier=None if ran_out else 1.0)
            case "imputed":
                return model.observe(sales, in_stock=not ran_out)
        return model.observe(sales)


def _level(fitted: FloatArray) -> Level:
    """Return a level of 1 that ten days stand behind."""
    units = 10 * float(fitted.mean())
    return Level(LevelRatio(SLOW, units, units), LevelRatio(FAST, units / 2, units / 2), GAIN, 0.3)


def measure(world: World, penalty: float) -> list[str]:
    """Return a line for each treatment: bias and WAPE of the forecast, cost, fill."""
    terms = item_terms(world.demand.shape[0], LEAD_TIME, penalty)
    market = build_market(START, world.demand[:, None], terms, [()])
    opening = np.ceil(world.fitted[:, :LEAD_TIME].sum(axis=1)).astype(np.int64)
    runs = {}
    for treatment in TREATMENTS:
        policy = Follower(world, terms, treatment)
        runs[treatment] = (policy, simulate(market, terms, opening, policy))
    usual = daily_cost(runs["missing"][1], terms, BURN_IN)
    true, lines = world.mean[:, BURN_IN:], []
    for treatment, (policy, result) in runs.items():
        told = np.stack(policy.forecasts, axis=1)[:, BURN_IN:]
        ratio, error = paired_ratio(daily_cost(result, terms, BURN_IN), usual)
        hidden = float((result.on_hand[:, 0, BURN_IN:] == 0).mean())
        bias, wape = _share(told - true, true), _share(np.abs(told - true), true)
        lines.append(
            f"{world.name:6} {penalty:5.0f}  {treatment:8} {hidden:7.0%} {bias:+7.1%} {wape:6.1%} "
            f"{ratio:7.3f} +-{error:.3f} {fill_rate(result, BURN_IN):7.1%}"
        )
    return lines


def _share(error: FloatArray, true: FloatArray) -> float:
    return float(error.sum() / true.sum())


def main() -> int:
    """Run the experiment and print its table; return the exit code."""
    rng = np.random.default_rng(SEED)
    worlds = [drawn_world(ITEMS, DAYS, rng)]
    try:
        worlds.append(m5_world(ITEMS, DAYS))
    except FileNotFoundError as missing:
        print(missing, file=sys.stderr)
        return 2
    print(
        f"Stockout days in the level: {ITEMS} items x {DAYS - BURN_IN} days, lead time {LEAD_TIME}"
    )
    print("demand p/h    taken as  empty    bias   WAPE  cost to missing   fill")
    for world in worlds:
        for penalty in PENALTIES:
            print("\n".join(measure(world, penalty)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
