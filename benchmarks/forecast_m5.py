"""The batch engine beside Prophet on real sales, M5's 823 items: fits, forecasts, intervals, time.

Run from the project's root:

    python benchmarks/forecast_m5.py                  # all items, half an hour, most of it Stan's
    python benchmarks/forecast_m5.py --quick --json   # 40 items, under a minute

Reads ../shared/data/m5_foods3_tx3 beside the project. The last 28 days are held out; both fit each
item alone on all days before, from its first sale and without closed days: with the forecaster's
settings (flat trend, multiplicative seasons), the same with additive seasons, and Prophet's own
defaults (linear trend) in both modes. Intervals are closed-form here, and quantiles of 1,000
samples of Prophet's. Each runs in one process; the engine's compilation is left out.

`not_above` is the share of items whose objective is not above Stan's + 1e-6 and `largest_excess`
the largest difference, both among items that are optimised at all; items on the routes `prophet`
and `undetermined` are Prophet's own fits. Errors are those of raw yhat;
`rmsse` is M5's, a mean over items; `rmsse_more` is the engine's less Prophet's, with 1.96 standard
errors of the paired differences, and `rmsse_more_rest` the same without the item that differs most:
the best fit of a loose model may run away after the last day where Stan, stopping early, does not.
An interval's score (lower is better) is its width plus 2/alpha times what lies outside (Gneiting
and Raftery 2007, equation 43). Widths and scores are in units.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(library, "1")
ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from core_modules.batch_prophet.design import prophet_silence  # noqa: E402
from core_modules.batch_prophet.fitted import ROUTES, BatchFit  # noqa: E402
from core_modules.batch_prophet.fitting import fit_batch  # noqa: E402
from core_modules.batch_prophet.prediction import predict_batch  # noqa: E402
from core_modules.batch_prophet.settings import BatchSettings, prophet_model  # noqa: E402
from core_modules.forecasting.prophet_shape import (  # noqa: E402
    ShapeSettings,
    ShapeTask,
    shape_settings,
)
from core_modules.history_files.closed_days import closed_days  # noqa: E402
from core_modules.sales_history import read_sales  # noqa: E402
from tests.batch_series import prophet_loss  # noqa: E402

FloatArray = NDArray[np.float64]
SettingsOf = Callable[[pd.DataFrame], BatchSettings]

DATA = ROOT.parent / "shared" / "data" / "m5_foods3_tx3"
AHEAD = 28  # days
LEVELS = (80, 95)
SAMPLES = 1000  # of Prophet's, for its intervals
QUICK_ITEMS = 40
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What one of the two says of all items, and how long it took."""

    yhat: FloatArray  # (items, days) units
    bounds: FloatArray  # (levels, 2, items, days) units, lower and upper
    loss: FloatArray  # (items,) objective; NaN where nothing is optimised
    seconds: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="40 items, forecaster's settings")
    parser.add_argument("--items", type=int, help="so many items, evenly spread over all")
    parser.add_argument("--setup", choices=list(SETUPS), help="one setup alone")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON alone")
    chosen = parser.parse_args()
    count = chosen.items or (QUICK_ITEMS if chosen.quick else None)
    histories, actual = held_out(count)
    names = list(SETUPS)[:2] if chosen.quick else list(SETUPS)
    if chosen.setup:
        names = [chosen.setup]
    found = {}
    for name in names:
        found[name] = compared(histories, actual, SETUPS[name])
        if not chosen.json:
            show(name, found[name])
    if chosen.json:
        print(json.dumps(found))


def held_out(items: int | None) -> tuple[list[pd.DataFrame], FloatArray]:
    """Return each item's history without the last days, `unique_id, ds, y`, and what came then."""
    if not DATA.exists():
        raise FileNotFoundError(f"missing {DATA}: this benchmark reads real sales from it")
    frame = read_sales(DATA).frame[["unique_id", "ds", "y"]]
    cutoff = frame["ds"].max() - pd.Timedelta(days=AHEAD)
    past, later = frame[frame["ds"] <= cutoff], frame[frame["ds"] > cutoff]
    past = past[~past["ds"].isin(closed_days(past, "D"))]
    lengths = past.groupby("unique_id")["y"].agg("size")
    ids = lengths.index[lengths >= 2].to_numpy()
    if items is not None:
        ids = ids[np.unique(np.linspace(0, ids.size - 1, items).astype(int))]
    groups = dict(iter(past.groupby("unique_id")))
    wide = later.pivot(index="unique_id", columns="ds", values="y").loc[ids]
    return [groups[name].reset_index(drop=True) for name in ids], wide.to_numpy(dtype=float)


def forecasters(history: pd.DataFrame) -> BatchSettings:
    """Return the forecaster's settings for one item's history, which decides on its seasons."""
    nothing = np.zeros((len(history), 0))
    task = ShapeTask(
        start=history["ds"].to_numpy()[0],
        step=1,
        values=history["y"].to_numpy(),
        ahead=0,
        keep=0,
        holidays=nothing,
        events=nothing,
        event_names=(),
        settings=ShapeSettings(),
    )
    return replace(shape_settings(task, history), levels=LEVELS)


SETUPS: dict[str, SettingsOf] = {
    "forecaster_multiplicative": forecasters,
    "forecaster_additive": lambda rows: replace(forecasters(rows), seasonality_mode="additive"),
    "default_additive": lambda _: BatchSettings(levels=LEVELS),
    "default_multiplicative": lambda _: BatchSettings(
        seasonality_mode="multiplicative", levels=LEVELS
    ),
}


def compared(
    histories: list[pd.DataFrame], actual: FloatArray, settings_of: SettingsOf
) -> dict[str, float]:
    """Fit all items by both and return the figures of both."""
    settings = [settings_of(history) for history in histories]
    by_engine(histories[:4], settings[:4])  # compiles
    ours, fits = by_engine(histories, settings)
    theirs = by_prophet(histories, settings)
    optimised = ~np.isnan(theirs.loss)
    excess = (ours.loss - theirs.loss)[optimised]
    numbers = np.bincount(np.concatenate([fit.route for fit in fits]), minlength=len(ROUTES))
    residuals = np.concatenate([fit.residual for fit in fits])
    found: dict[str, float] = {
        "items": len(histories),
        "optimised": int(optimised.sum()),
        "not_above": float((excess <= TOLERANCE).mean()),
        "largest_excess": float(excess.max()),
        "median_excess": float(np.median(excess)),
        "largest_residual": float(residuals.max()),
    }
    found |= {f"{name}_route": int(many) for name, many in zip(ROUTES, numbers, strict=True)}
    scale = np.array([np.sqrt(np.mean(np.diff(one["y"]) ** 2)) for one in histories])
    errors = {"engine": rmsse(ours, actual, scale), "prophet": rmsse(theirs, actual, scale)}
    for name, told in (("engine", ours), ("prophet", theirs)):
        found |= {f"{key}_{name}": value for key, value in scores(told, actual).items()}
        found[f"rmsse_{name}"] = float(np.nanmean(errors[name]))
    more = (errors["engine"] - errors["prophet"])[scale > 0]
    rest = np.delete(more, np.abs(more).argmax())
    for name, part in (("rmsse_more", more), ("rmsse_more_rest", rest)):
        found[name] = float(part.mean())
        found[f"{name}_margin"] = float(1.96 * part.std(ddof=1) / np.sqrt(part.size))
    return found | {
        "rmsse_most_more": float(more[np.abs(more).argmax()]),
        "rmsse_median_more": float(np.median(more)),
        "seconds_engine": ours.seconds,
        "seconds_prophet": theirs.seconds,
        "ratio": theirs.seconds / ours.seconds,
    }


def by_engine(
    histories: list[pd.DataFrame], settings: list[BatchSettings]
) -> tuple[Told, list[BatchFit]]:
    """Fit and forecast by the engine, one call for all items of the same settings."""
    groups: dict[object, list[int]] = {}
    for place, one in enumerate(settings):
        seasons = (one.weekly_seasonality, one.yearly_seasonality, one.seasonalities)
        groups.setdefault(seasons, []).append(place)
    told = _room(len(histories))
    fits = []
    begun = time.perf_counter()
    for places in groups.values():
        fit = fit_batch(pd.concat([histories[place] for place in places]), settings[places[0]])
        days = predict_batch(fit, AHEAD)
        told.yhat[places] = days["yhat"].to_numpy().reshape(-1, AHEAD)
        for number, level in enumerate(LEVELS):
            for side, name in enumerate(("lower", "upper")):
                values = days[f"yhat_{name}_{level}"].to_numpy()
                told.bounds[number, side, places] = values.reshape(-1, AHEAD)
        told.loss[places] = fit.loss
        fits.append(fit)
    return replace(told, seconds=time.perf_counter() - begun), fits


def by_prophet(histories: list[pd.DataFrame], settings: list[BatchSettings]) -> Told:
    """Fit and forecast by Prophet, one item after the other."""
    np.random.seed(0)  # noqa: NPY002 - Prophet draws from the global generator
    told, spent = _room(len(histories)), 0.0
    shares = [0.5 + sign * level / 200 for level in LEVELS for sign in (-1, 1)]
    for place, (history, chosen) in enumerate(zip(histories, settings, strict=True)):
        rows = history[["ds", "y"]]
        begun = time.perf_counter()
        with prophet_silence():
            model = prophet_model(chosen, uncertainty_samples=0).fit(rows)
            future = model.make_future_dataframe(AHEAD, include_history=False)
            told.yhat[place] = model.predict(future)["yhat"]
            model.uncertainty_samples = SAMPLES
            samples = model.predictive_samples(future)["yhat"]  # (days, samples)
        quantiles = np.quantile(samples, shares, axis=1)
        spent += time.perf_counter() - begun
        told.bounds[:, :, place] = quantiles.reshape(len(LEVELS), 2, AHEAD)
        if "lp__" in model.params:
            told.loss[place] = prophet_loss(model)
    return replace(told, seconds=spent)


def _room(items: int) -> Told:
    shape = (items, AHEAD)
    return Told(np.empty(shape), np.empty((len(LEVELS), 2, *shape)), np.full(items, np.nan), 0.0)


def rmsse(told: Told, actual: FloatArray, scale: FloatArray) -> FloatArray:
    """Return each item's error over that of the naive forecast in its past, (items,)."""
    error = np.sqrt(((told.yhat - actual) ** 2).mean(axis=1))
    return error / np.where(scale > 0, scale, np.nan)


def scores(told: Told, actual: FloatArray) -> dict[str, float]:
    """Return WAPE, and of each interval the share of days inside, mean width and score."""
    found = {"wape": float(np.abs(told.yhat - actual).sum() / actual.sum())}
    for (lower, upper), level in zip(told.bounds, LEVELS, strict=True):
        outside = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
        width = upper - lower
        found[f"coverage_{level}"] = float((outside == 0).mean())
        found[f"width_{level}"] = float(width.mean())
        found[f"score_{level}"] = float((width + 2 / (1 - level / 100) * outside).mean())
    return found


def show(name: str, found: dict[str, float]) -> None:
    """Print the figures of one setup, both beside each other where there are two."""
    print(f"\n{name}\n{'':20}{'engine':>14}{'Prophet':>14}")
    for key, figure in found.items():
        if key.endswith("_engine"):
            stem = key.removesuffix("_engine")
            print(f"{stem:20}{figure:14,.5g}{found[f'{stem}_prophet']:14,.5g}")
        elif not key.endswith("_prophet"):
            print(f"{key:20}{figure:14,.5g}")


if __name__ == "__main__":
    main()
