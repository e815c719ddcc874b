"""The forecaster with Prophet itself, on made-up and real sales."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core_modules.demand_forecaster import DemandModel, ForecastSettings, fit_models
from core_modules.explaining.kept_values import kept
from core_modules.forecasting import prophet_batch
from core_modules.forecasting.forecast_backtest import FORECASTER, Backtest, backtest
from core_modules.forecasting.forecast_values import standard_uniforms
from core_modules.forecasting.prophet_shape import ShapeTask
from core_modules.market_scenarios import EventKind, MarketEvent
from core_modules.sales_history import read_m5_events, read_sales, select_items

WEEKDAYS = np.array([0.8, 1.0, 1.0, 1.0, 1.0, 1.4, 1.2])  # Monday first


def made_up(
    items: int = 1, days: int = 400, mean: float = 50.0, seed: int = 0, start: str = "2022-01-01"
) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    dates = pd.date_range(start, periods=days, unit="us")
    expected = mean * WEEKDAYS[dates.day_of_week]
    return pd.concat(
        [
            pd.DataFrame({"unique_id": f"item{k}", "ds": dates, "y": rng.poisson(expected) * 1.0})
            for k in range(items)
        ],
        ignore_index=True,
    )


def values(models: list[DemandModel]) -> object:
    return kept(models)


def test_a_weekly_season_is_found() -> None:
    (model,) = fit_models(made_up(), horizon=28)
    assert model.model == "prophet"
    first = pd.Timestamp(model.origin) + pd.Timedelta(days=1)
    weekday = pd.date_range(first, periods=28).day_of_week
    profile = pd.Series(model.expected).groupby(weekday).mean()
    assert (profile / 50).to_numpy() == pytest.approx(WEEKDAYS, abs=0.12)


def test_a_yearly_season_and_a_holiday_window_are_found_in_three_years() -> None:
    frame = made_up(days=1096, start="2021-01-01")  # to 2024-01-01
    season = 1 + 0.3 * np.sin(2 * np.pi * frame["ds"].dt.day_of_year / 365)
    sale = frame["ds"].dt.strftime("%m-%d").between("11-20", "11-30")
    frame["y"] = np.rint(frame["y"] * season * np.where(sale, 2.0, 1.0))
    (model,) = fit_models(frame[frame["ds"] < "2023-11-15"], horizon=40)
    expected = pd.Series(model.expected, pd.date_range("2023-11-15", periods=40))
    ratio = expected["2023-11-20":"2023-11-30"].mean() / expected["2023-12-05":"2023-12-20"].mean()
    assert ratio == pytest.approx(2.0, abs=0.4)


def test_the_demand_of_a_day_out_of_stock_never_reaches_the_model() -> None:
    shown = made_up().assign(in_stock=True)
    out = shown.index[-30::7]
    shown.loc[out, "in_stock"] = False
    hidden = shown.copy()
    hidden.loc[out, "y"] = 1000.0
    nothing = shown.copy()
    nothing.loc[out, "y"] = np.nan
    first, *others = (values(fit_models(one, horizon=14)) for one in (shown, hidden, nothing))
    assert all(other == first for other in others)


def test_days_out_of_stock_do_not_lower_the_forecast() -> None:
    frame = made_up().assign(in_stock=True)
    frame.loc[frame.index[-12:], ["y", "in_stock"]] = [0.0, False]
    (model,) = fit_models(frame, horizon=14)
    assert model.expected.mean() == pytest.approx(50 * WEEKDAYS.mean(), rel=0.08)


def test_the_same_input_gives_the_same_models_whatever_the_processes() -> None:
    frame = made_up(items=9, days=120)
    apart = {f"item{k}": f"group{k}" for k in range(9)}
    alone = values(fit_models(frame, horizon=14, groups=apart, jobs=1))
    assert values(fit_models(frame, horizon=14, groups=apart, jobs=2)) == alone


def test_progress_is_told_up_to_the_last_fit() -> None:
    told: list[tuple[int, int]] = []
    apart = {"item0": "a", "item1": "b"}
    fit_models(
        made_up(items=2, days=90),
        horizon=7,
        groups=apart,
        progress=lambda done, every: told.append((done, every)),
    )
    assert told == [(0, 2), (1, 2), (2, 2)]


def test_fits_come_from_the_cache_until_their_input_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, fits = made_up(days=120), count_fits(monkeypatch)
    first = fit_models(frame, horizon=14, cache=tmp_path)
    again = fit_models(frame, horizon=14, cache=tmp_path)
    assert values(again) == values(first)
    assert len(fits) == 1
    frame.loc[3, "y"] += 1
    fit_models(frame, horizon=14, cache=tmp_path)
    assert len(fits) == 2


def test_a_spoiled_file_of_the_cache_is_fitted_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, fits = made_up(days=120), count_fits(monkeypatch)
    first = fit_models(frame, horizon=14, cache=tmp_path)
    (stored,) = tmp_path.iterdir()
    stored.write_bytes(stored.read_bytes()[:100])
    assert values(fit_models(frame, horizon=14, cache=tmp_path)) == values(first)
    assert len(fits) == 2


def count_fits(monkeypatch: pytest.MonkeyPatch) -> list[ShapeTask]:
    fits: list[ShapeTask] = []
    real = prophet_batch.fit_shape

    def counted(task: ShapeTask) -> object:
        fits.append(task)
        return real(task)

    monkeypatch.setattr(prophet_batch, "fit_shape", counted)
    return fits


def test_strange_items_get_simpler_models_and_stop_no_batch() -> None:
    days = 300
    rng = np.random.default_rng(3)
    strange: dict[str, np.ndarray] = {
        "plain": rng.poisson(20, days),
        "zero": np.zeros(days),
        "constant": np.full(days, 5.0),
        "short": rng.poisson(5, 10),
        "rare": np.where(np.arange(days) % 60 == 7, 3.0, 0.0),
        "exploding": np.floor(np.exp(np.arange(days) / 15)),
        "spiked": np.where(np.arange(days) == 200, 1e6, rng.poisson(3, days)),
    }
    dates = pd.date_range("2023-01-01", periods=days, unit="us")
    frame = pd.concat(
        [
            pd.DataFrame({"unique_id": name, "ds": dates[-len(units) :], "y": units * 1.0})
            for name, units in strange.items()
        ],
        ignore_index=True,
    )
    apart = {name: name for name in strange}
    models = {model.unique_id: model for model in fit_models(frame, horizon=14, groups=apart)}
    assert {name: model.model for name, model in models.items()} == {
        "plain": "prophet",
        "zero": "zero",
        "constant": "constant",
        "short": "flat-level",
        "rare": "intermittent",
        "exploding": "exploding",
        "spiked": "prophet",
    }
    assert models["plain"].expected.mean() == pytest.approx(20, rel=0.1)
    assert models["rare"].expected.mean() == pytest.approx(3 / 60, rel=0.4)
    assert models["spiked"].expected.mean() == pytest.approx(3, rel=0.3)
    assert np.all(models["constant"].forecast(7, standard_uniforms(16, 7, 0)).paths == 5)


def test_thin_items_take_the_season_of_their_group() -> None:
    thick = made_up(items=3)
    thin = made_up(mean=0.8, seed=5).assign(unique_id="thin")
    models = fit_models(pd.concat([thick, thin], ignore_index=True), horizon=28)
    assert {model.model for model in models} == {"pooled-prophet"}
    weekday = pd.date_range("2023-02-05", periods=28).day_of_week
    profile = pd.Series(models[-1].fitted).groupby(weekday).mean()
    assert profile[5] / profile[0] == pytest.approx(1.4 / 0.8, rel=0.25)


def test_a_shop_closed_on_sundays_is_closed_in_the_forecast() -> None:
    frame = made_up(items=3)
    sunday = frame["ds"].dt.day_of_week == 6
    frame.loc[sunday, "y"] = 0.0
    model = fit_models(frame, horizon=21)[0]
    closed = pd.date_range("2023-02-05", periods=21).day_of_week == 6
    assert np.all(model.fitted[closed] == 0)
    assert model.fitted[~closed].min() > 30


def test_the_size_of_past_events_is_learned_and_kept_out_of_the_forecast() -> None:
    frame = made_up(days=500)
    starts = ("2022-06-01", "2023-01-10", "2023-05-05")  # the last one is on when history ends
    events = [
        MarketEvent(start, EventKind.PROMOTION, date.fromisoformat(start), 10, demand=2.0)
        for start in starts
    ]
    for start in starts:
        on = frame["ds"].between(start, pd.Timestamp(start) + pd.Timedelta(days=9))
        frame.loc[on, "y"] *= 2
    (model,) = fit_models(frame, horizon=14, events=events)
    assert dict(model.event_effects)["Promotion"] == pytest.approx(2.0, abs=0.15)
    assert model.expected.mean() == pytest.approx(50 * WEEKDAYS.mean(), rel=0.08)


def test_what_promotions_do_is_learned_from_their_column() -> None:
    frame = made_up(days=500)
    frame["promo"] = (np.arange(500) % 28 < 5) * 1.0
    frame["y"] = np.rint(frame["y"] * np.where(frame["promo"] > 0, 1.6, 1.0))
    (model,) = fit_models(frame, horizon=14)
    assert dict(model.event_effects)["promo"] == pytest.approx(1.6, abs=0.1)
    assert model.expected.mean() == pytest.approx(50 * WEEKDAYS.mean(), rel=0.08)


def test_a_one_day_event_of_unknown_size_is_missing() -> None:
    frame = made_up()
    quiet = values(fit_models(frame.assign(in_stock=frame.index != 395), horizon=14))
    event = MarketEvent("v", EventKind.VIRAL, frame["ds"].iloc[395].date(), 1, demand=9.0)
    frame.loc[395, "y"] *= 9
    assert values(fit_models(frame, horizon=14, events=[event])) == quiet


def test_weeks_are_forecast_too() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "unique_id": "A",
            "ds": pd.date_range("2021-01-04", periods=150, freq="7D", unit="us"),
            "y": rng.poisson(70, 150) * 1.0,
        }
    )
    (model,) = fit_models(frame, horizon=6, freq="W")
    assert model.observe(70.0).origin == model.origin + pd.Timedelta(days=7)
    assert model.expected.mean() == pytest.approx(70, rel=0.08)


def test_a_country_of_no_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match="no holidays are known for country 'ZZ'"):
        fit_models(made_up(), horizon=7, settings=ForecastSettings(country="ZZ"))


def coverage(result: Backtest) -> list[float]:
    rows = result.pooled()
    return rows.loc[rows["method"] == FORECASTER, "coverage_80"].tolist()


def test_lead_time_intervals_hold_on_a_wholesalers_erratic_orders(
    shared_data: Callable[[str], Path],
) -> None:
    history = read_sales(shared_data / "online_retail/online_retail.csv.gz")  # type: ignore[operator]
    top = select_items(history, top=20)
    result = backtest(top.frame, closed=top.closed_days, every=4)
    assert all(0.75 <= share <= 0.85 for share in coverage(result)), coverage(result)


@pytest.mark.long
def test_lead_time_intervals_hold_in_a_supermarket(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data / "m5_foods3_tx3"  # type: ignore[operator]
    top = select_items(read_sales(folder), top=100)
    result = backtest(
        top.frame, closed=top.closed_days, holidays=read_m5_events(folder), every=6, jobs=2
    )
    assert all(0.75 <= share <= 0.85 for share in coverage(result)), coverage(result)
    pooled = result.pooled()
    error = pooled.pivot_table(index="lead_time", columns="method", values="pinball")
    assert (error[FORECASTER] < 0.9 * error["seasonal naive"]).all()


def weekly(weeks: int = 157, items: int = 40, mean: float = 4.0) -> pd.DataFrame:
    """Return thin weekly sales; in ISO weeks 46 and 47 those of kind k0 are four times as many."""
    rng = np.random.default_rng(0)
    dates = pd.date_range("2021-01-04", periods=weeks, freq="W-MON", unit="us")
    sale = dates.isocalendar().week.isin([46, 47]).to_numpy()
    parts = []
    for k in range(items):
        kind = f"k{k % 2}"
        expected = mean * np.where(sale & (kind == "k0"), 4.0, 1.0)
        parts.append(
            pd.DataFrame(
                {
                    "unique_id": f"item{k}",
                    "ds": dates,
                    "y": rng.poisson(expected) * 1.0,
                    "kind": kind,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def test_thin_weekly_items_take_the_spikes_of_all_and_more_of_their_own_kind() -> None:
    frame = weekly()
    known = frame[frame["ds"] < "2023-11-06"]  # the next weeks are 45, 46, 47, 48
    alike = fit_models(known, horizon=4, freq="W")
    apart = fit_models(known, horizon=4, freq="W", groups=["kind"])
    peaks = [
        np.mean([one.expected[1] / one.expected[0] for one in models[kind::2]])
        for models in (alike, apart)
        for kind in (0, 1)
    ]
    assert peaks[0] == pytest.approx(peaks[1], rel=0.1)  # one index for all: about (4 + 1) / 2
    assert peaks[0] == pytest.approx(2.5, rel=0.2)
    assert peaks[2] > peaks[0] + 0.3
    assert peaks[3] < peaks[1] - 0.3


def test_daily_groups_depart_from_the_week_of_all() -> None:
    frame = made_up(items=6, days=800, mean=30.0)
    odd = frame["unique_id"].isin(["item1", "item3", "item5"])
    sunday = frame["ds"].dt.day_of_week == 6
    frame["y"] = np.where(odd & sunday, 3 * frame["y"], frame["y"])
    frame["kind"] = np.where(odd, "odd", "even")
    models = fit_models(frame, horizon=28, groups=["kind"])
    first = pd.Timestamp(models[0].origin) + pd.Timedelta(days=1)
    weekday = pd.date_range(first, periods=28).day_of_week
    even, unlike = (
        pd.Series(model.expected).groupby(weekday).mean() for model in (models[0], models[1])
    )
    assert even[6] / even[0] == pytest.approx(1.2 / 0.8, rel=0.15)
    assert unlike[6] / unlike[0] == pytest.approx(3.6 / 0.8, rel=0.15)


def test_named_days_of_ones_own_count_in_weekly_data_too() -> None:
    frame = weekly()
    fairs = pd.to_datetime(["2021-03-08", "2022-06-13", "2023-02-13", "2023-11-20"])
    frame["y"] = np.where(frame["ds"].isin(fairs), 3 * frame["y"], frame["y"])
    known = frame[frame["ds"] < "2023-11-06"]
    days = [day for monday in fairs for day in pd.date_range(monday, periods=7)]
    named = pd.DataFrame({"ds": days, "name": "fair"})
    plain = fit_models(known, horizon=4, freq="W")
    told = fit_models(known, horizon=4, freq="W", holidays=named)
    lift = np.mean([one.expected[2] for one in told]) / np.mean([one.expected[2] for one in plain])
    assert lift > 1.25
