"""The batch engine beside Prophet: the same design, and an objective never above Stan's."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from core_modules.batch_prophet.assembly import changepoint_table, source_of
from core_modules.batch_prophet.design import design_rows, prophet_silence
from core_modules.batch_prophet.fitted import BatchFit
from core_modules.batch_prophet.fitting import fit_batch, frame_columns
from core_modules.batch_prophet.own_calendars import own_problem
from core_modules.batch_prophet.panel import panel_of_frame
from core_modules.batch_prophet.scaling import scale_panel
from core_modules.batch_prophet.settings import BatchSettings, Seasonality, prophet_model
from tests.batch_series import (
    HARD,
    REGRESSORS,
    hard_series,
    long_frame,
    prophet_loss,
    sales,
    shop_settings,
    with_gaps,
    with_regressors,
)
from tests.conftest import SharedData

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Case:
    """Series, and the settings under which both fit them."""

    settings: BatchSettings
    frame: Callable[[int], pd.DataFrame]  # takes how many items


def logistic(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(cap=1.2 * frame.groupby("unique_id")["y"].transform("max"))


def hard(items: int) -> pd.DataFrame:
    """Return so many of each hard kind."""
    return long_frame(np.array([hard_series(kind, seed) for kind in HARD for seed in range(items)]))


def cases(mode: str) -> dict[str, Case]:
    other = "additive" if mode == "multiplicative" else "multiplicative"
    shop = shop_settings(seasonality_mode=mode)
    plain = BatchSettings(seasonality_mode=mode)
    return {
        "shared": Case(shop, lambda n: long_frame(sales(n, mode=mode))),
        "gaps": Case(shop, lambda n: long_frame(with_gaps(sales(n, seed=6, mode=mode)))),
        "mixed": Case(
            shop_settings(seasonality_mode=mode, holidays_mode=other),
            lambda n: long_frame(sales(n, seed=2, mode=mode)),
        ),
        "flat": Case(
            shop_settings(seasonality_mode=mode, growth="flat", seasonality_prior_scale=0.02),
            lambda n: long_frame(sales(n, seed=4, mode=mode)),
        ),
        "logistic": Case(
            shop_settings(seasonality_mode=mode, growth="logistic"),
            lambda n: logistic(long_frame(sales(n, seed=7, mode=mode))),
        ),
        "regressors": Case(
            shop_settings(seasonality_mode=mode, regressors=REGRESSORS),
            lambda n: with_regressors(long_frame(sales(n, seed=8, mode=mode))),
        ),
        "short": Case(plain, lambda n: long_frame(sales(n, days=15, seed=9, mode=mode))),
        "month": Case(plain, lambda n: long_frame(sales(n, days=31, seed=10, mode=mode))),
        "quarter": Case(plain, lambda n: long_frame(sales(n, days=90, seed=11, mode=mode))),
        "changepoints": Case(
            BatchSettings(
                seasonality_mode=mode,
                changepoints=tuple(pd.to_datetime(["2023-05-01", "2024-02-01", "2024-09-09"])),
                changepoint_prior_scale=0.5,
            ),
            lambda n: long_frame(sales(n, seed=12, mode=mode)),
        ),
        "straight": Case(
            BatchSettings(seasonality_mode=mode, n_changepoints=0),
            lambda n: long_frame(sales(n, seed=13, mode=mode)),
        ),
        "hard": Case(shop, hard),
    }


NAMES = list(cases("additive"))
MODES = ("additive", "multiplicative")


def prophet_fit(settings: BatchSettings, frame: pd.DataFrame, item: object) -> object:
    with prophet_silence():
        model = prophet_model(settings, uncertainty_samples=0)
        return model.fit(frame[frame["unique_id"] == item].drop(columns="unique_id"))


def held_together(settings: BatchSettings, frame: pd.DataFrame, every: int = 1) -> BatchFit:
    """Fit all by the engine and each `every`-th by Prophet, and compare."""
    fit = fit_batch(frame, settings)
    assert fit.converged.all(), fit.summary()[~fit.converged]
    for place, item in enumerate(fit.ids):
        if place % every:
            continue
        model = prophet_fit(settings, frame, item)
        if "lp__" not in model.params:  # a series that never changes: Prophet does not optimise
            assert fit.route[place] == 1
            assert fit.sigma_obs[place] == pytest.approx(model.params["sigma_obs"].item())
            assert fit.k[place] == model.params["k"].item()
            assert fit.m[place] == model.params["m"].item()
            continue
        stans = prophet_loss(model)
        assert -model.params["lp__"].item() == pytest.approx(stans, rel=2e-7, abs=1e-4)
        assert fit.loss[place] <= stans + TOLERANCE, item
        assert fit.residual[place] <= TOLERANCE, item
    return fit


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_the_objective_is_never_above_stans(name: str, mode: str) -> None:
    case = cases(mode)[name]
    held_together(case.settings, case.frame(1))


@pytest.mark.parametrize("mode", MODES)
def test_a_shared_calendar_is_never_above_stans(mode: str) -> None:
    case = cases(mode)["shared"]
    held_together(case.settings, case.frame(10), every=5)


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_the_objective_of_many_series_is_never_above_stans(name: str, mode: str) -> None:
    case = cases(mode)[name]
    held_together(case.settings, case.frame(6 if name == "hard" else 16))


def real_frame(shared_data: SharedData, name: str, items: int) -> pd.DataFrame:
    """Return so many series of a real data set, spread over its items, each from its first sale."""
    if name == "m5":
        wide = pd.read_csv(shared_data / "m5_foods3_tx3/sales.csv.gz")
        calendar = pd.read_csv(shared_data / "m5_foods3_tx3/calendar.csv", parse_dates=["date"])
        values = wide.iloc[:, 1:].to_numpy(dtype=float)
        dates = calendar["date"].to_numpy()[: values.shape[1]]
        picked = np.linspace(0, len(wide) - 1, items).astype(int)
        parts = []
        for place in picked:
            first = int(np.argmax(values[place] > 0))
            parts.append(
                pd.DataFrame(
                    {
                        "unique_id": wide.iloc[place, 0],
                        "ds": dates[first:],
                        "y": values[place, first:],
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)
    if name == "rossmann":
        path = shared_data / "rossmann/rossmann_open_days.csv.gz"
        rows = pd.read_csv(path, usecols=["Store", "Date", "Sales"], parse_dates=["Date"])
        rows.columns = pd.Index(["unique_id", "ds", "y"])
    else:
        path = shared_data / "online_retail/online_retail.csv.gz"
        rows = pd.read_csv(path, usecols=["StockCode", "Quantity", "InvoiceDate"])
        rows = rows[rows["Quantity"] > 0]
        day = pd.to_datetime(rows["InvoiceDate"]).dt.normalize()
        rows = rows.assign(ds=day).groupby(["StockCode", "ds"])["Quantity"].sum().reset_index()
        rows.columns = pd.Index(["unique_id", "ds", "y"])
        counts = rows["unique_id"].value_counts()
        rows = rows[rows["unique_id"].isin(counts[counts >= 30].index)]
    ids = np.sort(rows["unique_id"].unique())
    picked_ids = ids[np.linspace(0, ids.size - 1, items).astype(int)]
    rows = rows[rows["unique_id"].isin(picked_ids)].sort_values(["unique_id", "ds"])
    return rows.assign(unique_id=rows["unique_id"].astype(str), y=rows["y"].astype(float))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["m5", "rossmann", "retail"])
def test_real_series_are_never_above_stans(name: str, mode: str, shared_data: SharedData) -> None:
    held_together(BatchSettings(seasonality_mode=mode), real_frame(shared_data, name, 3))


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["m5", "rossmann", "retail"])
def test_many_real_series_are_never_above_stans(
    name: str, mode: str, shared_data: SharedData
) -> None:
    held_together(BatchSettings(seasonality_mode=mode), real_frame(shared_data, name, 40))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", [name for name in NAMES if name != "hard"])
def test_the_design_is_prophets(name: str, mode: str) -> None:
    case = cases(mode)[name]
    frame = case.frame(3)
    panel = panel_of_frame(frame, frame_columns(case.settings, frame))
    fit = fit_batch(frame, case.settings)
    scaled, picks = scale_panel(panel, case.settings), changepoint_table(panel, case.settings)
    for place, item in enumerate(panel.ids):
        design = fit.designs[fit.design[place]]
        source = source_of(panel, case.settings, scaled, design, picks)
        problem = own_problem(source, place)
        with prophet_silence():
            model = prophet_model(case.settings)
            rows = frame[frame["unique_id"] == item].drop(columns="unique_id")
            inputs = model.preprocess(rows)
        ours = np.column_stack([problem.multiplied, problem.added])
        theirs = inputs.X.to_numpy(dtype=float)[:, design.order]
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(problem.times, inputs.t)
        if case.settings.growth != "flat":
            np.testing.assert_array_equal(problem.changes, inputs.t_change)
        np.testing.assert_array_equal(scaled.y[panel.part(place, place + 1)], inputs.y)
        np.testing.assert_allclose(
            problem.precision, 1 / np.array(inputs.sigmas)[design.order] ** 2
        )
        scaling = inputs.s_m.to_numpy()[design.order] == 1
        assert scaling.sum() == problem.multiplied.shape[1]
        assert scaling[: design.multiplied].all()
        assert problem.tau == inputs.tau


def test_a_season_under_a_condition_is_prophets() -> None:
    frame = long_frame(sales(3, seed=14))
    frame["summer"] = frame["ds"].dt.month.isin([6, 7, 8])
    settings = BatchSettings(
        weekly_seasonality=False,
        seasonalities=(
            Seasonality("summer_week", 7, 3, condition_name="summer"),
            Seasonality("week", 7, 2, mode="multiplicative", prior_scale=0.5),
        ),
    )
    held_together(settings, frame)


def test_auto_seasons_follow_each_items_own_span() -> None:
    long, short = long_frame(sales(1, days=800)), long_frame(sales(1, days=40), prefix="young")
    weekly = long.iloc[::7].assign(unique_id="weekly")
    frame = pd.concat([long, short, weekly], ignore_index=True)
    fit = held_together(BatchSettings(), frame)
    names = [set(fit.designs[number].model.seasonalities) for number in fit.design]
    assert names == [{"yearly", "weekly"}, {"weekly"}, {"yearly"}]


def test_columns_on_other_dates_are_prophets() -> None:
    settings = shop_settings()
    frame = long_frame(sales(1))
    fit = fit_batch(frame, settings)
    dates = pd.date_range("2025-01-01", periods=40)
    with prophet_silence():
        model = prophet_model(settings)
        model.preprocess(frame.drop(columns="unique_id"))
        theirs = model.make_all_seasonality_features(pd.DataFrame({"ds": dates}))[0]
    ours = design_rows(fit.designs[0], dates.to_numpy(dtype="datetime64[us]"))
    np.testing.assert_array_equal(ours, theirs.to_numpy(dtype=float)[:, fit.designs[0].order])
