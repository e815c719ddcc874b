"""Rolling-origin accuracy of the forecaster beside the seasonal naive, on days it had not seen.

At each cutoff the models are fitted to what came before; then every evening forecasts the lead
times ahead, and the models observe the next day. The seasonal naive repeats the last week (for
weekly data the last four weeks), with intervals from its own past errors.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.demand_forecaster import STEP_DAYS, ForecastSettings, fit_models
from core_modules.forecasting.calendar_effects import event_columns
from core_modules.forecasting.forecast_series import Groups
from core_modules.forecasting.forecast_values import DemandModel, standard_uniforms
from core_modules.forecasting.prophet_batch import Progress
from core_modules.forecasting.seasonal_naive import SeasonalNaive
from core_modules.history_files.closed_days import closed_days
from core_modules.market_scenarios import MarketEvent, affecting

FloatArray = NDArray[np.float64]

FORECASTER, NAIVE = "forecaster", "seasonal naive"
ALL_ITEMS = "all items"  # the pooled row
INTERVALS = (0.5, 0.8, 0.95)  # whose coverage is counted
PINBALL_LEVELS = np.array([0.1, 0.5, 0.8, 0.9, 0.95, 0.99])
PATHS = 512
NAIVE_PERIOD = {"D": 7, "W": 4}
MOST_ORIGINS = 6000  # forecasts of a backtest, over all items, by default


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """The outcome of a rolling backtest."""

    table: pd.DataFrame  # see `backtest`
    cutoffs: tuple[pd.Timestamp, ...]  # last days that models were fitted to
    models: Mapping[str, int]  # items by model at the last cutoff

    def pooled(self) -> pd.DataFrame:
        """Return the rows over all items, one a method and lead time."""
        rows = self.table[self.table["unique_id"] == ALL_ITEMS]
        return rows.drop(columns="unique_id").reset_index(drop=True)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """One evening's forecast of one item and lead time beside what came."""

    unique_id: str
    method: str
    lead_time: int  # periods
    total: float  # units that came
    mean: float  # units expected
    below: float  # share of paths below what came
    upto: float  # share of paths not above what came
    pinball: float  # mean over PINBALL_LEVELS, units
    daily_error: float  # absolute errors of the single periods, summed, units
    naive_error: float  # the same of the seasonal naive in the past, expected for as many periods


def backtest(
    frame: pd.DataFrame,
    *,
    freq: str = "D",
    settings: ForecastSettings | None = None,
    lead_times: Sequence[int] = (3, 7, 14),
    cutoffs: int = 3,
    window: int = 60,
    every: int | None = None,
    events: Sequence[MarketEvent] = (),
    groups: Groups = None,
    holidays: pd.DataFrame | None = None,
    closed: pd.DatetimeIndex | None = None,
    jobs: int = 1,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Backtest:
    """Measure forecasts of the last `cutoffs` * `window` periods, refitted once a window.

    Every `every`-th evening is forecast from (by default as many as make some thousands). Lead
    times that touch a day of `events`, or a missing day, are left out. Other arguments are those of
    `fit_models`.

    The table has a row an item, method and lead time, then one for ALL_ITEMS: `unique_id`,
    `method`, `lead_time`, `origins`; of lead-time totals `wape` (absolute error over units), `bias`
    (mean error over units), `pinball` (mean over PINBALL_LEVELS, over units) and `coverage_50`,
    `coverage_80`, `coverage_95` (share inside the interval; a total that meets a bound counts by
    the part of its probability that lies inside); of single periods `daily_wape` and `mase` (mean
    absolute error over that of the seasonal naive before the cutoff).

    Raises ValueError where the history is too short.
    """
    sales = _sales_matrix(frame)
    horizon, periods = max(lead_times), sales.shape[1]
    needed = cutoffs * window + horizon + 2 * NAIVE_PERIOD[freq]
    if periods < needed:
        raise ValueError(
            f"a backtest of {cutoffs} x {window} periods needs {needed} of history, got "
            f"{periods}; use fewer cutoffs or a shorter window"
        )
    shut = closed_days(frame, freq) if closed is None else closed
    every = every or max(1, len(sales) * cutoffs * window // MOST_ORIGINS)
    dates = frame["ds"].drop_duplicates().sort_values().reset_index(drop=True)
    outcomes: list[_Outcome] = []
    fitted: list[DemandModel] = []
    places = [periods - window * back for back in range(cutoffs, 0, -1)]
    for place in places:
        known = frame[frame["ds"] < dates[place]]
        fitted = fit_models(
            known,
            horizon=window + horizon,
            settings=settings,
            freq=freq,
            events=events,
            groups=groups,
            holidays=holidays,
            closed=shut,
            jobs=jobs,
            cache=cache,
            progress=progress,
        )
        for model in fitted:
            plain = _plain_periods(model.unique_id, events, dates, freq)
            actual = sales.loc[model.unique_id].to_numpy()
            walk = _walk(model, actual, plain, place, window, lead_times, every, freq)
            outcomes.extend(walk)
    counts = pd.Series([model.model for model in fitted]).value_counts()
    return Backtest(
        _table(pd.DataFrame(outcomes)),
        tuple(dates[place - 1] for place in places),
        {str(name): int(count) for name, count in counts.items()},
    )


def _sales_matrix(frame: pd.DataFrame) -> pd.DataFrame:
    """Return units by item and period, NaN where missing, (items, periods)."""
    units = frame["y"]
    if "in_stock" in frame:
        units = units.where(frame["in_stock"])
    return frame.assign(y=units).set_index(["unique_id", "ds"])["y"].unstack()


def _plain_periods(
    unique_id: str, events: Sequence[MarketEvent], dates: pd.Series, freq: str
) -> NDArray[np.bool_]:
    """Return the periods that no event touches, (periods,)."""
    days = dates.to_numpy().astype("datetime64[D]")
    columns = event_columns(days, STEP_DAYS[freq], affecting(events, unique_id))
    plain = np.ones(days.size, dtype=np.bool_)
    for column in columns.values():
        plain &= column == 0
    return plain


def _walk(
    model: DemandModel,
    actual: FloatArray,
    plain: NDArray[np.bool_],
    place: int,
    window: int,
    lead_times: Sequence[int],
    every: int,
    freq: str,
) -> Iterator[_Outcome]:
    """Forecast one item on the evenings of a window and compare with what came."""
    horizon = max(lead_times)
    uniforms = standard_uniforms(PATHS, horizon, 0)
    naive = SeasonalNaive.learnt(actual[:place], lead_times, NAIVE_PERIOD[freq])
    usable = plain & ~np.isnan(actual)
    for step in range(window):
        day = place + step  # of the first period ahead
        if step % every == 0 and day + horizon <= actual.size:
            forecast = model.forecast(horizon, uniforms)
            repeated = naive.repeated(actual[:day], horizon)
            for lead in lead_times:
                if usable[day : day + lead].all():
                    came = actual[day : day + lead]
                    paths = forecast.total(0, lead).astype(np.float64)
                    yield _outcome(
                        model, FORECASTER, came, forecast.mean[:lead], paths, naive.scale
                    )
                    paths = np.maximum(repeated[:lead].sum() + naive.errors[lead], 0.0)
                    yield _outcome(model, NAIVE, came, repeated[:lead], paths, naive.scale)
        if day < actual.size:
            seen = not np.isnan(actual[day])
            sales = float(actual[day]) if seen else 0.0
            model = model.observe(sales, seen, 1.0 if plain[day] else None)


def _outcome(
    model: DemandModel,
    method: str,
    came: FloatArray,
    mean: FloatArray,
    paths: FloatArray,
    scale: float,
) -> _Outcome:
    total = float(came.sum())
    distance = total - np.quantile(paths, PINBALL_LEVELS)
    return _Outcome(
        unique_id=model.unique_id,
        method=method,
        lead_time=came.size,
        total=total,
        mean=float(mean.sum()),
        below=float((paths < total - 0.5).mean()),
        upto=float((paths < total + 0.5).mean()),
        pinball=float(
            np.maximum(PINBALL_LEVELS * distance, (PINBALL_LEVELS - 1) * distance).mean()
        ),
        daily_error=float(np.abs(came - mean).sum()),
        naive_error=scale * came.size,
    )


def _table(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Sum outcomes by item, method and lead time, and over all items."""
    for interval in INTERVALS:
        low, high = (1 - interval) / 2, (1 + interval) / 2
        width = (outcomes["upto"] - outcomes["below"]).clip(lower=1e-9)
        inside = outcomes["upto"].clip(low, high) - outcomes["below"].clip(low, high)
        sharp = outcomes["below"].between(low, high).astype(float)
        outcomes[f"coverage_{interval * 100:.0f}"] = (inside / width).where(width > 1e-6, sharp)
    pooled = outcomes.assign(unique_id=ALL_ITEMS)
    outcomes = pd.concat([outcomes, pooled], ignore_index=True)
    outcomes["error"] = (outcomes["mean"] - outcomes["total"]).abs()
    outcomes["surplus"] = outcomes["mean"] - outcomes["total"]
    keys = ["unique_id", "method", "lead_time"]
    grouped = outcomes.groupby(keys, sort=False)
    sums = grouped[["total", "error", "surplus", "pinball", "daily_error", "naive_error"]].sum()
    units = sums["total"].where(sums["total"] > 0)
    table = pd.DataFrame(
        {
            "origins": grouped.size(),
            "wape": sums["error"] / units,
            "bias": sums["surplus"] / units,
            "pinball": sums["pinball"] / units,
            "daily_wape": sums["daily_error"] / units,
            "mase": sums["daily_error"] / sums["naive_error"].where(sums["naive_error"] > 0),
        }
    )
    coverages = [f"coverage_{interval * 100:.0f}" for interval in INTERVALS]
    return table.join(grouped[coverages].mean()).reset_index()
