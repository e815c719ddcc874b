"""How true generated demand is: patterns of the past against what then came.

Patterns are fitted to the first part of the history of every second item, and demand is generated
for the rest of it. Settings may be tuned on the items between; these are not looked at here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from core_modules.demand_law import FloatArray, IntArray
from core_modules.demand_pattern import DemandPattern
from core_modules.pattern_extractor import ExtractionSettings, extract_patterns
from core_modules.patterns.expected_demand import expected_demand
from core_modules.patterns.pattern_grid import BoolArray, SalesGrid, sales_grid
from core_modules.sales_history import SalesHistory
from core_modules.synthetic_generator import draw, uniforms_with_memory

PATHS = 40  # generated futures of each item
LATER_SHARE = 1 / 3  # of the history that is held back
LONGEST_LATER = {"D": 365, "W": 52}  # periods held back at most
FEWEST_UNITS = 10  # sold in the part held back, below which an item shows no shape
LAGS = 14
RUNS = {"D": (1, 7, 28), "W": (1, 4)}  # periods whose totals are compared
RATIOS = np.linspace(0, 4, 41)  # sales over expectation at which distributions are compared
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True, eq=False)
class FidelityReport:
    """Generated against real demand of the same items on the same days."""

    source: str
    items: int  # compared
    first_day: str  # of the part held back
    days: int  # held back
    weekday: pd.DataFrame  # weekday, real, generated: total sales over those of the mean day
    distribution: pd.DataFrame  # ratio, real, generated: share of item-days up to that ratio
    autocorrelation: pd.DataFrame  # lag, real, generated: mean over items
    summary: pd.DataFrame  # measure, real, generated


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The days held back: what came, what was expected and what was generated."""

    dates: npt.NDArray[np.datetime64]  # (days,)
    real: FloatArray  # (items, days)
    seen: BoolArray  # (items, days) days that count
    expected: FloatArray  # (items, days)
    drawn: IntArray  # (items, paths, days), 0 on days that do not count


def select_half(history: SalesHistory, *, tuning: bool) -> SalesHistory:
    """Return every second item, in the order of their names: those to tune on, or the others."""
    ids = np.sort(history.frame["unique_id"].unique().astype(str))
    chosen = ids[0::2] if tuning or len(ids) == 1 else ids[1::2]
    frame = history.frame[history.frame["unique_id"].isin(chosen)].reset_index(drop=True)
    return replace(history, frame=frame)


def compare_fidelity(
    history: SalesHistory,
    settings: ExtractionSettings | None = None,
    *,
    tuning: bool = False,
    seed: int = 0,
) -> FidelityReport:
    """Fit patterns to the first part of half of the items and compare what they generate.

    Of money, the days on which a shop alone took nothing count as shut and are left out.

    Raises ValueError where no item sold enough in the part held back.
    """
    compared = held_back(select_half(history, tuning=tuning), settings, seed)
    autocorrelation = pd.DataFrame(
        {
            "lag": np.arange(1, LAGS + 1),
            "real": _autocorrelation(compared, compared.real).mean(axis=0),
            "generated": _autocorrelation(compared, compared.drawn[:, 0]).mean(axis=0),
        }
    )
    weekday = _weekday(compared) if history.freq == "D" else pd.DataFrame()
    return FidelityReport(
        source=history.name,
        items=len(compared.real),
        first_day=str(compared.dates[0]),
        days=len(compared.dates),
        weekday=weekday,
        distribution=_distribution(compared),
        autocorrelation=autocorrelation,
        summary=_summary(compared, weekday, autocorrelation, RUNS[history.freq]),
    )


def held_back(history: SalesHistory, settings: ExtractionSettings | None, seed: int) -> Comparison:
    """Fit patterns to the first part of a history and generate demand for the rest."""
    grid = sales_grid(history.frame, history.closed_days, history.freq)
    later = max(1, int(min(LONGEST_LATER[history.freq], len(grid.days) * LATER_SHARE)))
    cut = grid.days[-later].astype("datetime64[us]")
    first = history.frame[history.frame["ds"] < cut].reset_index(drop=True)
    if first.empty:
        raise ValueError(f"{history.name} is too short to hold back a part; it needs three days")
    patterns = extract_patterns(replace(history, frame=first), settings=settings)
    rows = [grid.ids.index(pattern.name) for pattern in patterns]
    real, seen = grid.sold[rows, -later:], grid.seen[rows, -later:]
    if history.quantity == "money":
        seen = seen & (real > 0)
    enough = np.where(seen, real, 0.0).sum(axis=1) >= FEWEST_UNITS
    if not enough.any():
        raise ValueError(
            f"{history.name}: no item sold {FEWEST_UNITS} units in the last {later} days, "
            "too few to compare shapes; take a longer history"
        )
    kept = [pattern for pattern, keep in zip(patterns, enough, strict=True) if keep]
    expected = np.stack(
        [_expected(p, grid, grid.ids.index(p.name), grid.days[-later:]) for p in kept]
    )
    drawn = _generate(kept, expected, np.random.default_rng(seed))
    seen = seen[enough]
    return Comparison(
        grid.days[-later:],
        np.where(seen, real[enough], 0.0),
        seen,
        expected,
        np.where(seen[:, None], drawn, 0),
    )


def _expected(
    pattern: DemandPattern, grid: SalesGrid, row: int, dates: npt.NDArray[np.datetime64]
) -> FloatArray:
    """Return the expectation of the days held back, with the promotions and prices they had."""
    mean = expected_demand(pattern, dates)
    if grid.promoted is not None and pattern.promotion is not None:
        mean = np.where(grid.promoted[row, -len(dates) :], mean * pattern.promotion, mean)
    if grid.log_price is not None and pattern.price_elasticity is not None:
        mean = mean * np.exp(pattern.price_elasticity * grid.log_price[row, -len(dates) :])
    return mean


def _generate(
    patterns: Sequence[DemandPattern], expected: FloatArray, rng: np.random.Generator
) -> IntArray:
    """Return generated demand, (items, paths, days)."""
    days = expected.shape[1]
    streams = rng.spawn(len(patterns))
    return np.stack(
        [
            draw(pattern, mean, uniforms_with_memory(pattern.memory, PATHS, days, stream))
            for pattern, mean, stream in zip(patterns, expected, streams, strict=True)
        ]
    )


def _weekday(compared: Comparison) -> pd.DataFrame:
    """Return total sales a day by weekday over those of the mean weekday."""
    day = (compared.dates.astype(np.int64) + 3) % 7
    count = np.maximum(1, np.bincount(day, minlength=7))
    profiles = {"weekday": list(WEEKDAYS)}
    frame = pd.DataFrame(profiles)
    for name, total in (
        ("real", compared.real.sum(axis=0)),
        ("generated", compared.drawn.sum(axis=(0, 1)) / PATHS),
    ):
        profile = np.bincount(day, weights=total, minlength=7) / count
        frame[name] = profile / max(1e-9, float(profile.mean()))
    return frame


def _distribution(compared: Comparison) -> pd.DataFrame:
    """Return the share of item-days with up to so much sold over the expectation."""
    used = compared.seen & (compared.expected > 0)
    scale = np.where(used, compared.expected, 1.0)
    real = (compared.real / scale)[used]
    drawn = (compared.drawn / scale[:, None])[np.broadcast_to(used[:, None], compared.drawn.shape)]
    return pd.DataFrame({"ratio": RATIOS, "real": _shares(real), "generated": _shares(drawn)})


def _shares(values: FloatArray) -> FloatArray:
    return np.searchsorted(np.sort(values), RATIOS + 1e-9, side="right") / max(1, len(values))


def _autocorrelation(compared: Comparison, sold: npt.NDArray[np.generic]) -> FloatArray:
    """Return autocorrelations of sales over expectation, (items, LAGS); items with any spread."""
    used = compared.seen & (compared.expected > 0)
    ratio = np.where(used, sold / np.where(used, compared.expected, 1.0), 0.0)
    count = np.maximum(1, used.sum(axis=1))
    ratio = np.where(used, ratio - (ratio.sum(axis=1) / count)[:, None], 0.0)
    variance = (ratio**2).sum(axis=1) / count
    kept = variance > 0
    ratio, used, variance = ratio[kept], used[kept], variance[kept]
    found = np.zeros((len(ratio), LAGS))
    for lag in range(1, min(LAGS, ratio.shape[1] - 1) + 1):
        pairs = np.maximum(1, (used[:, lag:] & used[:, :-lag]).sum(axis=1))
        found[:, lag - 1] = (ratio[:, lag:] * ratio[:, :-lag]).sum(axis=1) / pairs / variance
    return found


def _summary(
    compared: Comparison,
    weekday: pd.DataFrame,
    autocorrelation: pd.DataFrame,
    runs: Sequence[int],
) -> pd.DataFrame:
    rows: list[tuple[str, float, float]] = []
    seen = max(1, int(compared.seen.sum()))
    rows.append(
        ("sales per item-day", compared.real.sum() / seen, compared.drawn.sum() / seen / PATHS)
    )
    listed = np.maximum(1, compared.seen.sum(axis=1))
    zeros = ((compared.real == 0) & compared.seen).sum(axis=1) / listed
    drawn = ((compared.drawn == 0) & compared.seen[:, None]).sum(axis=2) / listed[:, None]
    rows.append(("share of zeros", float(zeros.mean()), float(drawn.mean())))
    for run in runs:
        real, generated = _spread(compared, run)
        rows.append((f"standard deviation of {run}-period totals", real, generated))
    for lag in (1, 7):
        row = autocorrelation.iloc[lag - 1]
        rows.append((f"autocorrelation at lag {lag}", float(row["real"]), float(row["generated"])))
    if len(weekday):
        best = weekday.iloc[int(weekday["real"].to_numpy().argmax())]
        name = f"busiest weekday ({best['weekday']}) over the mean day"
        rows.append((name, float(best["real"]), float(best["generated"])))
    return pd.DataFrame(rows, columns=["measure", "real", "generated"])


def _spread(compared: Comparison, run: int) -> tuple[float, float]:
    """Return the standard deviation of totals of so many periods over their mean, median item."""
    whole = compared.real.shape[1] // run * run
    real = compared.real[:, :whole].reshape(len(compared.real), -1, run).sum(axis=2)
    drawn = compared.drawn[:, :, :whole].reshape(len(real), PATHS, -1, run).sum(axis=3)
    mean = np.maximum(1e-9, real.mean(axis=1))
    means = np.maximum(1e-9, drawn.mean(axis=(1, 2)))
    return (
        float(np.median(real.std(axis=1) / mean)),
        float(np.median(drawn.std(axis=2).mean(axis=1) / means)),
    )
