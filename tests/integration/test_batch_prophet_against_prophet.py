"""The batch engine beside Prophet: the same design, and an objective never above Stan's.

How many series were held together, and by which route the engine fitted them, is written at the
end: 108 by default, 1,012 in the `long` part.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core_modules.batch_prophet import fallbacks
from core_modules.batch_prophet.assembly import changepoint_table, source_of
from core_modules.batch_prophet.design import design_rows, prophet_silence
from core_modules.batch_prophet.fitted import CONSTANT, PROPHET, ROUTES, UNDETERMINED, BatchFit
from core_modules.batch_prophet.fitting import fit_batch, frame_columns
from core_modules.batch_prophet.own_calendars import own_problem
from core_modules.batch_prophet.panel import panel_of_frame
from core_modules.batch_prophet.scaling import scale_panel
from core_modules.batch_prophet.settings import (
    BatchSettings,
    Regressor,
    Seasonality,
    prophet_model,
)
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
HELD: Counter[str] = Counter()  # series compared with Prophet's fit, by the engine's route


@pytest.fixture(scope="module", autouse=True)
def how_many(request: pytest.FixtureRequest) -> Iterator[None]:
    """Write how many series were held together."""
    yield
    plugins = request.config.pluginmanager
    reporter, capture = plugins.get_plugin("terminalreporter"), plugins.get_plugin("capturemanager")
    if reporter is not None and capture is not None:  # a worker of a parallel run has no reporter
        with capture.global_and_fixture_disabled():
            reporter.write_line(f"\n{HELD.total()} series held together with Prophet: {dict(HELD)}")


@dataclass(frozen=True)
class Case:
    """Series, and the settings under which both fit them."""

    settings: BatchSettings
    frame: Callable[[int], pd.DataFrame]  # takes how many items


def logistic(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(cap=1.2 * frame.groupby("unique_id")["y"].transform("max"))


def floored(frame: pd.DataFrame) -> pd.DataFrame:
    """A floor below the series and a cap that grows by a half over the years."""
    years = (frame["ds"] - frame["ds"].min()).dt.days / 365.25
    height = frame.groupby("unique_id")["y"].transform("max") + 1
    return frame.assign(cap=(1.2 + 0.25 * years) * height, floor=-0.3 * height)


def hard(items: int) -> pd.DataFrame:
    """Return so many of each hard kind."""
    return long_frame(hard_values(items))


def hard_values(items: int) -> np.ndarray:
    return np.array([hard_series(kind, seed) for kind in HARD for seed in range(items)])


def hard_logistic(items: int) -> pd.DataFrame:
    """The same below a cap; all zero has no best fit there, for the trend falls without end."""
    frame = hard(items)
    frame = frame[frame.groupby("unique_id")["y"].transform("max") > 0]
    return logistic(frame)


def ragged(values: np.ndarray) -> pd.DataFrame:
    """Each series from a day of its own to a day of its own, 25 days at least."""
    rng = np.random.default_rng(20)
    found = values.copy()
    for row in found:
        length = int(rng.integers(25, row.size))
        first = int(rng.integers(0, row.size - length + 1))
        row[:first], row[first + length :] = np.nan, np.nan
    return long_frame(found).dropna().reset_index(drop=True)


def other_steps(frame: pd.DataFrame, step: pd.Timedelta) -> pd.DataFrame:
    """The same values a step apart."""
    places = frame.groupby("unique_id").cumcount()
    return frame.assign(ds=frame["ds"].min() + places * step)


def with_shared_regressors(frame: pd.DataFrame) -> pd.DataFrame:
    """A temperature and an opening, the same for all items."""
    day = (frame["ds"] - frame["ds"].min()).dt.days
    warmth = 12 + 9 * np.sin(2 * np.pi * day / 365.25) + 3 * np.sin(day**1.5)
    return frame.assign(warmth=warmth, opening=((day % 97) < 4).astype(float))


SHARED_REGRESSORS = (
    Regressor("warmth", prior_scale=0.5),
    Regressor("opening", mode="additive", standardize=False),
)


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
        "floored": Case(
            shop_settings(seasonality_mode=mode, growth="logistic"),
            lambda n: floored(long_frame(sales(n, seed=15, mode=mode))),
        ),
        "shared_regressors": Case(
            shop_settings(seasonality_mode=mode, regressors=SHARED_REGRESSORS),
            lambda n: with_shared_regressors(long_frame(sales(n, seed=16, mode=mode))),
        ),
        "ragged": Case(plain, lambda n: ragged(sales(n, seed=17, mode=mode))),
        "ragged_flat": Case(
            BatchSettings(seasonality_mode=mode, growth="flat"),
            lambda n: ragged(sales(n, seed=18, mode=mode)),
        ),
        "weeks": Case(
            plain,
            lambda n: other_steps(
                long_frame(sales(n, days=150, seed=19, mode=mode)), pd.Timedelta(days=7)
            ),
        ),
        "hours": Case(
            plain,
            lambda n: other_steps(
                long_frame(sales(n, days=400, seed=21, mode=mode)), pd.Timedelta(hours=1)
            ),
        ),
        "stiff": Case(
            shop_settings(
                seasonality_mode=mode, changepoint_prior_scale=0.001, holidays_prior_scale=0.1
            ),
            lambda n: long_frame(sales(n, seed=22, mode=mode)),
        ),
        "loose": Case(
            shop_settings(seasonality_mode=mode, changepoint_prior_scale=5.0),
            lambda n: long_frame(with_gaps(sales(n, seed=23, mode=mode))),
        ),
        "returns": Case(plain, lambda n: long_frame(sales(n, seed=24, mode=mode) - 40)),
        "money": Case(plain, lambda n: long_frame(1e6 * sales(n, seed=25, mode=mode))),
        "hard": Case(shop, hard),
        "hard_flat": Case(shop_settings(seasonality_mode=mode, growth="flat"), hard),
        "hard_logistic": Case(
            BatchSettings(seasonality_mode=mode, growth="logistic"), hard_logistic
        ),
        "hard_gaps": Case(plain, lambda n: long_frame(with_gaps(hard_values(n), seed=1))),
    }


NAMES = list(cases("additive"))
QUICK_NAMES = [name for name in NAMES if name not in ("hard_flat", "hard_gaps")]
MODES = ("additive", "multiplicative")


def prophet_fit(settings: BatchSettings, frame: pd.DataFrame, item: object) -> Any:
    with prophet_silence():
        model = prophet_model(settings, uncertainty_samples=0)
        return model.fit(frame[frame["unique_id"] == item].drop(columns="unique_id"))


def held_together(
    settings: BatchSettings, frame: pd.DataFrame, every: int = 1, start: BatchFit | None = None
) -> BatchFit:
    """Fit all by the engine and each `every`-th by Prophet, and compare."""
    fit = fit_batch(frame, settings, start=start)
    sound = fit.converged | (fit.route == UNDETERMINED)
    assert sound.all(), fit.summary()[~sound]
    for place in range(0, len(fit.ids), every):
        compare(fit, place, prophet_fit(settings, frame, fit.ids[place]))
    return fit


def compare(fit: BatchFit, place: int, model: Any) -> None:
    """Hold one fit of the engine beside Prophet's."""
    HELD[ROUTES[fit.route[place]]] += 1
    if "lp__" not in model.params:  # a series that never changes: Prophet does not optimise
        assert fit.route[place] == CONSTANT
        assert fit.sigma_obs[place] == pytest.approx(model.params["sigma_obs"].item())
        assert fit.k[place] == model.params["k"].item()
        assert fit.m[place] == model.params["m"].item()
        return
    stans = prophet_loss(model)
    assert -model.params["lp__"].item() == pytest.approx(stans, rel=2e-7, abs=1e-4)
    assert fit.loss[place] <= stans + TOLERANCE, fit.ids[place]
    if fit.route[place] == UNDETERMINED:
        assert fit.k[place] == model.params["k"].item()
    else:
        assert fit.residual[place] <= TOLERANCE, fit.ids[place]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", QUICK_NAMES)
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
    held_together(case.settings, case.frame(4 if name.startswith("hard") else 12))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("growth", ["linear", "flat", "logistic"])
def test_a_warm_start_is_never_above_stans(growth: str, mode: str) -> None:
    frame = with_regressors(logistic(long_frame(with_gaps(sales(10, seed=26, mode=mode)))))
    settings = shop_settings(seasonality_mode=mode, growth=growth, regressors=REGRESSORS)
    cutoff = frame["ds"].max() - pd.Timedelta(days=28)
    earlier = fit_batch(frame[frame["ds"] <= cutoff], settings)
    held_together(settings, frame, every=5, start=earlier)


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
def test_two_weeks_of_hard_series_are_never_above_stans_or_stans_own(mode: str) -> None:
    # As many columns as days meet some series exactly: those have no best fit and are Prophet's.
    values = hard_values(2)[:, 495:510]
    settings = BatchSettings(seasonality_mode=mode)
    frame = long_frame(values)
    fit = fit_batch(frame, settings)
    assert (fit.converged | np.isin(fit.route, (PROPHET, UNDETERMINED))).all()
    for place, item in enumerate(fit.ids):
        model = prophet_fit(settings, frame, item)
        if fit.route[place] == PROPHET:
            HELD["prophet"] += 1
            assert fit.k[place] == model.params["k"].item()
            assert fit.loss[place] == -model.params["lp__"].item()
        else:
            compare(fit, place, model)


def test_series_that_the_columns_meet_exactly_stop_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    handed_on: list[int] = []
    monkeypatch.setattr(fallbacks, "_by_prophet", lambda *given: handed_on.append(given[7]))
    for growth in ("linear", "flat"):
        handed_on.clear()
        short = long_frame(sales(8, days=15, seed=9))
        fit = fit_batch(short, shop_settings(growth=growth, seasonality_prior_scale=50.0))
        # More columns than days, and priors that hold none of them: sigma falls without end.
        assert set(np.flatnonzero(~fit.converged)) == set(handed_on)
        assert handed_on


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
        rows = pd.read_csv(path, parse_dates=["Date"])
        rows = rows[["Store", "Date", "Sales", "Promo", "SchoolHoliday"]].rename(
            columns={"Store": "unique_id", "Date": "ds", "Sales": "y"}
        )
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


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
def test_real_series_with_regressors_are_never_above_stans(
    mode: str, shared_data: SharedData
) -> None:
    regressors = (Regressor("Promo"), Regressor("SchoolHoliday", prior_scale=0.1, mode="additive"))
    settings = BatchSettings(seasonality_mode=mode, regressors=regressors)
    held_together(settings, real_frame(shared_data, "rossmann", 12))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("hard")])
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
