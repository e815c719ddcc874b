"""Items whose trend and seasons the data do not tell apart: the engine's best fit and Prophet's.

Run from the project's root:

    python benchmarks/forecast_determinacy.py                  # seven minutes, most of it Stan's
    python benchmarks/forecast_determinacy.py --quick --json   # few items, under a minute

Reads ../shared/data/ beside the project. All fits have Prophet's defaults with multiplicative
seasons, unless told otherwise; items need two weeks of history; closed days are left out. Three
questions, each on days that lie before a cut-off, with the 28 days after it to be forecast:

- By swing (see `core_modules/batch_prophet/determinacy.py`): how far both are off where the
  engine's own fit stands, the limit lifted. Fits that are Prophet's in any case are left out.
  Prophet runs on `forecast` items: at each cut-off at most 25 of a class, drawn at random. Errors
  are absolute, of raw yhat, in units; `most_more` is the item that adds most to the engine's error
  beyond Prophet's; `rmsse` is M5's, a mean over items.
- How many items the limit hands to Prophet.
- What is left on Online Retail with the limit in force: WAPE of both, and the shares of items whose
  error is at least 2 % lower with one of them.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(library, "1")
ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from benchmarks.forecast_m5 import SETUPS, by_engine, held_out  # noqa: E402
from core_modules.batch_prophet import fallbacks  # noqa: E402
from core_modules.batch_prophet.design import prophet_silence  # noqa: E402
from core_modules.batch_prophet.determinacy import swings_of  # noqa: E402
from core_modules.batch_prophet.fitted import ENGINE, LBFGS, BatchFit  # noqa: E402
from core_modules.batch_prophet.fitting import fit_batch  # noqa: E402
from core_modules.batch_prophet.prediction import predict_batch  # noqa: E402
from core_modules.batch_prophet.settings import BatchSettings, prophet_model  # noqa: E402
from core_modules.history_files.closed_days import closed_days  # noqa: E402
from core_modules.sales_history import read_sales  # noqa: E402
from tests.batch_series import long_frame, sales, shop_settings, with_gaps  # noqa: E402

FloatArray = NDArray[np.float64]

DATA = ROOT.parent / "shared" / "data"
SETTINGS = BatchSettings(seasonality_mode="multiplicative")
AHEAD = 28  # days
SHORTEST = 14  # days of history that an item must have
EDGES = (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, np.inf)  # of the classes of swing
CLASSES = ("up to 1", "1 to 1.5", "1.5 to 2", "2 to 2.5", "2.5 to 3", "3 to 4", "above 4")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured; a cut-off is so many days before the end of the data."""

    m5: tuple[int, ...]  # cut-offs, all items
    retail: tuple[int, ...]  # cut-offs
    retail_items: int
    a_class: int  # items that Prophet forecasts, at most, of each class at each cut-off
    in_force: tuple[int, ...]  # cut-offs of Online Retail with the limit in force
    in_force_items: int
    rossmann_items: int
    counted_retail_items: int
    generated: tuple[int, int]  # series on one calendar, and with gaps of their own


WHOLE = Size(
    (56, 112, 196, 364, 546), (28, 56, 90), 800, 25, (56, 120), 250, 1115, 500, (5000, 2000)
)
QUICK = Size((56,), (56,), 100, 4, (56,), 20, 100, 50, (300, 100))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="few items, under a minute")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON alone")
    chosen = parser.parse_args()
    size, begun = QUICK if chosen.quick else WHOLE, time.perf_counter()
    m5, retail = real("m5_foods3_tx3"), real("online_retail")
    tables = {
        "M5, by swing": by_swing(m5, size.m5, None, size.a_class),
        "Online Retail, by swing": by_swing(retail, size.retail, size.retail_items, size.a_class),
        "handed on": handed_on(m5, retail, size),
        "Online Retail, limit in force": in_force(retail, size.in_force, size.in_force_items),
    }
    seconds = time.perf_counter() - begun
    if chosen.json:
        told = {name: json.loads(one.to_json(orient="records")) for name, one in tables.items()}
        print(json.dumps(told | {"seconds": seconds}))
        return
    for name, table in tables.items():
        print(f"\n{name}\n{table.to_string(index=False, float_format='{:,.3f}'.format, na_rep='')}")
    print(f"\n{seconds:,.0f} s")


def real(folder: str) -> pd.DataFrame:
    """Return a data set's sales, `unique_id, ds, y`."""
    if not (DATA / folder).exists():
        raise FileNotFoundError(f"missing {DATA / folder}: this benchmark reads real sales from it")
    return read_sales(DATA / folder).frame[["unique_id", "ds", "y"]]


def split(frame: pd.DataFrame, back: int, items: int | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the open days up to `back` days before the end, and those of the 28 days after.

    `items` takes so many of the items, evenly spread.
    """
    cutoff = frame["ds"].max() - pd.Timedelta(days=back)
    known = frame[frame["ds"] <= cutoff + pd.Timedelta(days=AHEAD)]
    past = known[known["ds"] <= cutoff]
    later = known[(known["ds"] > cutoff) & ~known["ds"].isin(closed_days(known, "D"))]
    past = past[~past["ds"].isin(closed_days(past, "D"))]
    lengths = past.groupby("unique_id")["y"].agg("size")
    ids = lengths.index[lengths >= SHORTEST].to_numpy()
    if items is not None:
        ids = ids[np.unique(np.linspace(0, ids.size - 1, items).astype(int))]
    return past[past["unique_id"].isin(ids)], later[later["unique_id"].isin(ids)]


def by_swing(
    frame: pd.DataFrame, cut_offs: tuple[int, ...], items: int | None, a_class: int
) -> pd.DataFrame:
    """Return a row a class of swing: how many items, and what both are off in the days after."""
    fitted, scored = [], []
    for back in cut_offs:
        past, later = split(frame, back, items)
        with patch.object(fallbacks, "LARGEST", np.inf):
            fit = fit_batch(past, SETTINGS)
        classes = pd.cut(swings(fit, past), EDGES, labels=CLASSES, include_lowest=True).dropna()
        mixed = classes.sample(frac=1.0, random_state=0)
        picked = mixed.groupby(mixed, observed=True).head(a_class)
        fitted.append(classes)
        scored.append(errors(fit, past, later, picked.index.to_numpy()).assign(swing=picked))
    scores = pd.concat(scored)
    scores["more"] = scores["error_engine"] - scores["error_prophet"]
    table = scores.groupby("swing", observed=False).agg(
        forecast=("sold", "size"),
        sold=("sold", "sum"),
        error_engine=("error_engine", "sum"),
        error_prophet=("error_prophet", "sum"),
        most_more=("more", "max"),
        rmsse_engine=("rmsse_engine", "mean"),
        rmsse_prophet=("rmsse_prophet", "mean"),
    )
    table.insert(0, "items", pd.concat(fitted).value_counts())
    return table.reset_index()


def swings(fit: BatchFit, past: pd.DataFrame) -> pd.Series:
    """Return each item's swing, by name; NaN where the fit is not the engine's."""
    days = predict_batch(fit, past[["unique_id", "ds"]], intervals=False, components=True)
    gain = 1.0 + days["multiplicative_terms"]
    found = gain.groupby(days["unique_id"].astype(str)).agg(
        lambda one: swings_of(one.to_numpy().reshape(1, -1))[0]
    )
    own = pd.Series(np.isin(fit.route, (ENGINE, LBFGS)), fit.ids)
    return found.where(own)


def errors(
    fit: BatchFit, past: pd.DataFrame, later: pd.DataFrame, ids: NDArray[np.object_]
) -> pd.DataFrame:
    """Return a row an item: units sold, both absolute errors and both RMSSE."""
    dates = pd.DatetimeIndex(np.sort(later["ds"].unique()))
    days = predict_batch(fit, dates, intervals=False)
    ours = dict(iter(days.groupby(days["unique_id"].astype(str))["yhat"]))
    histories = dict(iter(past[past["unique_id"].isin(ids)].groupby("unique_id")))
    actual = dict(iter(later.groupby("unique_id")["y"]))
    rows = []
    for item in ids:
        sold, history = actual[item].to_numpy(), histories[item]
        off = {
            "engine": ours[item].to_numpy() - sold,
            "prophet": prophets(history, dates) - sold,
        }
        scale = np.sqrt(np.mean(np.diff(history["y"]) ** 2))
        row = {"unique_id": item, "sold": sold.sum()}
        for name, one in off.items():
            row[f"error_{name}"] = np.abs(one).sum()
            row[f"rmsse_{name}"] = np.sqrt(np.mean(one**2)) / scale if scale > 0 else np.nan
        rows.append(row)
    return pd.DataFrame(rows).set_index("unique_id")


def prophets(history: pd.DataFrame, dates: pd.DatetimeIndex) -> FloatArray:
    """Return Prophet's forecast for one item, units."""
    with prophet_silence():
        model = prophet_model(SETTINGS, uncertainty_samples=0).fit(history[["ds", "y"]])
        yhat: FloatArray = model.predict(pd.DataFrame({"ds": dates}))["yhat"].to_numpy()
    return yhat


def handed_on(m5: pd.DataFrame, retail: pd.DataFrame, size: Size) -> pd.DataFrame:
    """Return a row a data set and its settings: how many items are undetermined."""
    rows = []

    def count(name: str, *fits: BatchFit) -> None:
        undetermined = sum(fit.counts["undetermined"] for fit in fits)
        rows.append((name, sum(len(fit.ids) for fit in fits), undetermined))

    for back in size.m5:
        count(f"M5, {back} days before the end", fit_batch(split(m5, back, None)[0], SETTINGS))
    histories, _ = held_out(None)
    for setup in ("default_multiplicative", "forecaster_multiplicative"):
        fits = by_engine(histories, [SETUPS[setup](history) for history in histories])[1]
        count(f"M5, 28 days before the end, {setup}", *fits)
    for name, frame, items in (
        ("Rossmann", real("rossmann"), size.rossmann_items),
        ("Online Retail", retail, size.counted_retail_items),
    ):
        count(name, fit_batch(split(frame, 0, items)[0], SETTINGS))
    shared, own = size.generated
    settings = shop_settings(seasonality_mode="multiplicative")
    values = sales(shared, mode="multiplicative")
    gaps = long_frame(with_gaps(values[:own])).dropna().reset_index(drop=True)
    count("generated", fit_batch(long_frame(values), settings), fit_batch(gaps, settings))
    return pd.DataFrame(rows, columns=["data", "items", "undetermined"])


def in_force(retail: pd.DataFrame, cut_offs: tuple[int, ...], items: int) -> pd.DataFrame:
    """Return a row a cut-off: WAPE of both, and the shares of items that one forecasts better."""
    rows = []
    for back in cut_offs:
        past, later = split(retail, back, items)
        fit = fit_batch(past, SETTINGS)
        found = errors(fit, past, later, np.asarray(fit.ids))
        sold, ours, theirs = (found[name] for name in ("sold", "error_engine", "error_prophet"))
        rows.append(
            {
                "days_before_the_end": back,
                "items": len(found),
                "undetermined": fit.counts["undetermined"],
                "wape_engine": ours.sum() / sold.sum(),
                "wape_prophet": theirs.sum() / sold.sum(),
                "engine_better": (ours < 0.98 * theirs).mean(),
                "prophet_better": (theirs < 0.98 * ours).mean(),
            }
        )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
