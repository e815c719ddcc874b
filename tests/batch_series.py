"""Series and settings on which the batch engine and Prophet are held together."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.batch_prophet.settings import BatchSettings, Regressor, Seasonality

START = "2023-01-01"
TEST_DAY = pd.Timestamp("2024-12-31")  # the first day that is held out


def holidays() -> pd.DataFrame:
    """Five holidays with windows and promotions of five days, for three years."""
    rows = []
    for year in (2023, 2024, 2025):
        rows += [
            ("christmas", f"{year}-12-25", -3, 1),
            ("newyear", f"{year}-01-01", 0, 1),
            ("july4", f"{year}-07-04", -1, 0),
        ]
    rows += [("blackfriday", day, -1, 3) for day in ("2023-11-24", "2024-11-29", "2025-11-28")]
    rows += [("easter", day, -2, 0) for day in ("2023-04-09", "2024-03-31", "2025-04-20")]
    promos = ("2023-03-13", "2023-06-12", "2023-09-11", "2024-03-11", "2024-06-10", "2024-09-09")
    rows += [("promo", day, 0, 4) for day in (*promos, "2025-01-13")]
    frame = pd.DataFrame(rows, columns=["holiday", "ds", "lower_window", "upper_window"])
    return frame.assign(ds=pd.to_datetime(frame["ds"]))


def shop_settings(**changes: object) -> BatchSettings:
    """Yearly, monthly and weekly seasons and the holidays: 58 columns or so."""
    chosen: dict[str, object] = {
        "yearly_seasonality": True,
        "weekly_seasonality": True,
        "daily_seasonality": False,
        "holidays": holidays(),
        "seasonalities": (Seasonality("monthly", 30.5, 5),),
    }
    return BatchSettings(**(chosen | changes))  # type: ignore[arg-type]


def sales(items: int, days: int = 730, seed: int = 0, mode: str = "additive") -> NDArray:
    """Counts with trend, weekly, yearly and holiday effects, (items, days)."""
    rng = np.random.default_rng(seed)
    dates = pd.date_range(START, periods=days)
    t = np.arange(days)
    listed = holidays()
    effects = np.zeros(days)
    for row in listed.itertuples():
        for offset in range(row.lower_window, row.upper_window + 1):
            place = (row.ds - dates[0]).days + offset
            if 0 <= place < days:
                effects[place] += rng.normal(0.2, 0.2)
    found = np.empty((items, days))
    for item in range(items):
        trend = 1 + rng.normal(0, 0.3) * t / days
        for _ in range(rng.poisson(2)):
            trend = trend + rng.normal(0, 0.5) * np.maximum(0, t - rng.integers(0, days)) / days
        week = rng.normal(0, 0.15, 7)
        season = (week - week.mean())[dates.day_of_week] + rng.uniform(0.5, 1.5) * effects
        for order in (1, 2, 3):
            angle = 2 * np.pi * order * dates.day_of_year / 365.25 + rng.uniform(0, 2 * np.pi)
            season = season + rng.normal(0, 0.15 / order) * np.sin(angle)
        trend = np.maximum(trend, 0.15)
        level = np.exp(rng.normal(3.5, 1.0))
        mean = level * (trend * (1 + season) if mode == "multiplicative" else trend + season)
        shape = rng.uniform(3, 30)
        mean = np.maximum(mean, 0.05)
        found[item] = rng.negative_binomial(shape, shape / (shape + mean))
    return found


HARD: dict[str, Callable[[np.random.Generator, NDArray], NDArray]] = {
    "intermittent": lambda rng, t: (rng.random(t.size) < 0.15) * rng.poisson(4, t.size),
    "level_shift": lambda rng, t: rng.poisson(30 + 60 * (t > 300) - 50 * (t > 600)),
    "kinks": lambda rng, t: np.maximum(
        50
        + np.cumsum(
            np.where(t < 200, 0.2, np.where(t < 450, -0.15, 0.4)) + rng.normal(0, 2, t.size)
        ),
        0,
    ),
    "spikes": lambda rng, t: rng.poisson(20, t.size) * np.where(rng.random(t.size) < 0.007, 15, 1),
    "late_launch": lambda rng, t: np.where(t < 500, 0, rng.poisson(25, t.size)),
    "almost_noiseless": lambda rng, t: (
        100 + 20 * np.sin(2 * np.pi * t / 7) + rng.normal(0, 0.01, t.size)
    ),
    "all_zero": lambda rng, t: np.zeros(t.size),
}


def hard_series(kind: str, seed: int, days: int = 730) -> NDArray:
    """One series of a kind that is hard to fit, (days,)."""
    rng = np.random.default_rng([seed, len(kind)])
    return np.asarray(HARD[kind](rng, np.arange(days)), dtype=float)


def long_frame(values: NDArray, start: str = START, prefix: str = "item") -> pd.DataFrame:
    """The rows of (items, days) as `unique_id, ds, y`; NaN stays, for Prophet drops it too."""
    items, days = values.shape
    return pd.DataFrame(
        {
            "unique_id": np.repeat([f"{prefix}{number:05d}" for number in range(items)], days),
            "ds": np.tile(pd.date_range(start, periods=days).to_numpy(), items),
            "y": values.ravel(),
        }
    )


def with_gaps(values: NDArray, seed: int = 0) -> NDArray:
    """The same series with stockouts of their own: runs of NaN, and a start of their own."""
    rng = np.random.default_rng(seed)
    found = values.copy()
    for row in found:
        if rng.random() < 0.5:
            row[: rng.integers(0, values.shape[1] // 3)] = np.nan
        for _ in range(rng.integers(1, 8)):
            first = rng.integers(0, values.shape[1])
            row[first : first + rng.integers(1, 25)] = np.nan
    return found


def with_regressors(frame: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """The same rows with a price of each item's own and a 0/1 promotion."""
    rng = np.random.default_rng(seed)
    rows = len(frame)
    return frame.assign(price=rng.normal(10, 2, rows), push=(rng.random(rows) < 0.1).astype(float))


REGRESSORS = (Regressor("price"), Regressor("push", prior_scale=1.0, mode="multiplicative"))


def split(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return history and future of a frame that runs beyond the test day."""
    return frame[frame["ds"] < TEST_DAY], frame[frame["ds"] >= TEST_DAY].drop(columns="y")


def known(kind: str, mode: str) -> tuple[BatchSettings, pd.DataFrame, pd.DataFrame]:
    """Return settings, history and future of three items with gaps, regressors, cap and floor."""
    frame = with_regressors(long_frame(with_gaps(sales(3, days=758, mode=mode))))
    frame = frame.assign(cap=1.5 * frame["y"].max(), floor=-20.0)
    history, future = split(frame)
    settings = shop_settings(growth=kind, seasonality_mode=mode, regressors=REGRESSORS)
    return settings, history, future


def prophet_loss(model: Any) -> float:
    """-lp__ of a fitted Prophet object, from its parameters: Stan prints lp__ to eight digits only.

    Written after prophet.stan, apart from the engine's own objective.
    """
    history = model.history
    features, sigmas, parts, _ = model.make_all_seasonality_features(history)
    beta, sigma = model.params["beta"].ravel(), model.params["sigma_obs"].item()
    k, m = model.params["k"].item(), model.params["m"].item()
    delta = model.params["delta"].ravel()
    times = history["t"].to_numpy()
    if model.growth == "linear":
        trend = model.piecewise_linear(times, delta, k, m, model.changepoints_t)
    elif model.growth == "logistic":
        caps = history["cap_scaled"].to_numpy()
        trend = model.piecewise_logistic(times, caps, delta, k, m, model.changepoints_t)
    else:
        trend = model.flat_trend(times, m)
    scaling = features.to_numpy() @ (beta * parts["multiplicative_terms"].to_numpy())
    adding = features.to_numpy() @ (beta * parts["additive_terms"].to_numpy())
    errors = history["y_scaled"].to_numpy() - trend * (1 + scaling) - adding
    priors = k**2 / 50 + m**2 / 50 + np.abs(delta).sum() / model.changepoint_prior_scale
    priors += 2 * sigma**2 + (beta**2 / (2 * np.array(sigmas) ** 2)).sum()
    return float(priors + len(times) * np.log(sigma) + (errors @ errors) / (2 * sigma**2))
