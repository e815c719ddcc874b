"""One Prophet fit: the seasonal pattern of one series, with holidays and events (the only prophet).

The trend is flat unless asked otherwise: the level of a shop moves faster than Prophet's trend, so
recent weeks set it (`level_following`), and a flat trend keeps the pattern from chasing it too.
Nothing is sampled: the scatter is the observation law's, calibrated on errors of the past.
"""

import json
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.batch_prophet.settings import (
    BatchSettings,
    Regressor,
    Seasonality,
    prophet_model,
)

FloatArray = NDArray[np.float64]

WEEKLY_FROM = 21  # days of history from which a weekly season is fitted
MONTHLY_FROM = 180
YEARLY_FROM = 730
MONTH = 30.4375  # days
HIGHEST_PEAK = 4.0  # of the history's highest four weeks; a forecast above it has exploded
SMALLEST_SHARE = 0.02  # of the mean, below which no fitted day falls


@dataclass(frozen=True, slots=True)
class ShapeSettings:
    """How Prophet fits; the defaults won rolling backtests on three retail histories."""

    growth: Literal["flat", "linear"] = "flat"
    weekly_order: int = 3  # pairs of Fourier terms, 0 to 3
    monthly_order: int = 2
    yearly_order: int = 8
    seasonality_prior: float = 0.02  # sd of seasonal terms as a share of the trend, > 0
    holidays_prior: float = 0.3
    events_prior: float = 1.0  # events are large and told, so their size is left to the data


@dataclass(frozen=True, slots=True, eq=False)
class ShapeTask:
    """A series to fit; rows of columns run on for the days ahead."""

    start: np.datetime64  # of the first value
    step: int  # days a period: 1 or 7
    values: FloatArray  # (days,), NaN where missing or closed
    ahead: int  # days to forecast
    keep: int  # days of the past to return, at most days
    holidays: FloatArray  # (days + ahead, columns) shares 0 to 1
    events: FloatArray  # (days + ahead, columns)
    event_names: tuple[str, ...]
    settings: ShapeSettings


@dataclass(frozen=True, slots=True, eq=False)
class ShapeFit:
    """A fitted pattern: the last `keep` days and those ahead."""

    fitted: FloatArray  # (keep + ahead,) units a day without events, > 0
    event_multiplier: FloatArray  # (keep,) what known events did to the past, > 0
    event_effects: tuple[tuple[str, float], ...]  # multiplier at the event's peak, by name


class ShapeError(ValueError):
    """A series that Prophet cannot fit, or that explodes."""


def fit_shape(task: ShapeTask) -> ShapeFit:
    """Fit Prophet to one series.

    Raises ShapeError where the fit fails or the forecast explodes.
    """
    frame = rows_of(task)
    seen = seen_rows(task, frame)
    with _silence():
        model = prophet_model(shape_settings(task, seen), uncertainty_samples=0)
        model.stan_backend = _quick_backend()()
        try:
            model.fit(seen)
        except (RuntimeError, ValueError) as failure:
            raise ShapeError(f"Prophet failed: {failure}") from failure
        shown = frame.iloc[task.values.size - task.keep :]
        plain = model.predict(without_events(shown))["yhat"].to_numpy()
        real = model.predict(shown)["yhat"].to_numpy() if task.event_names else plain
    return shape_fit(task, plain, real, _sizes(model, task))


def rows_of(task: ShapeTask) -> pd.DataFrame:
    """Return the days of a task, past and ahead, with the columns of its holidays and events."""
    days = np.arange(task.values.size + task.ahead) * task.step
    columns = {"ds": pd.DatetimeIndex(task.start + days.astype("timedelta64[D]")).as_unit("us")}
    columns |= {f"holiday{k}": column for k, column in enumerate(task.holidays.T)}
    columns |= {f"event{k}": column for k, column in enumerate(task.events.T)}
    return pd.DataFrame(columns)


def seen_rows(task: ShapeTask, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the days that have a value, as `y`; raises ShapeError where there are too few."""
    seen = rows.iloc[: task.values.size].assign(y=task.values).dropna(subset="y")
    if len(seen) < 2 or not seen["y"].to_numpy().any():
        raise ShapeError("fewer than two days with a value")
    return seen


def without_events(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows as they would be if no event acted."""
    names = [name for name in rows.columns if name.startswith("event")]
    return rows.assign(**dict.fromkeys(names, 0.0))


def shape_settings(task: ShapeTask, seen: pd.DataFrame) -> BatchSettings:
    """Return the settings of the fit, as far as the days that have a value allow."""
    settings, history = task.settings, len(seen) * task.step
    span = int((seen["ds"].iloc[-1] - seen["ds"].iloc[0]).days) + task.step
    weekly = settings.weekly_order if task.step == 1 and history >= WEEKLY_FROM else 0
    monthly = task.step == 1 and history >= MONTHLY_FROM and settings.monthly_order
    return BatchSettings(
        growth=settings.growth,
        weekly_seasonality=weekly or False,
        yearly_seasonality=settings.yearly_order if span >= YEARLY_FROM else False,
        daily_seasonality=False,
        seasonality_mode="multiplicative",
        seasonality_prior_scale=settings.seasonality_prior,
        seasonalities=(Seasonality("monthly", MONTH, settings.monthly_order),) if monthly else (),
        regressors=tuple(
            Regressor(f"{kind}{column}", prior, standardize=False, mode="multiplicative")
            for kind, count, prior in (
                ("holiday", task.holidays.shape[1], settings.holidays_prior),
                ("event", task.events.shape[1], settings.events_prior),
            )
            for column in range(count)
        ),
        levels=(),
    )


@cache
def _quick_backend() -> Any:
    """Return Prophet's backend with the data written by json's C encoder: a fit takes half."""
    from prophet.models import CmdStanPyBackend

    class QuickBackend(CmdStanPyBackend):  # type: ignore[misc, unused-ignore]
        def fit(self, stan_init: Any, stan_data: Any, **kwargs: Any) -> Any:
            _, data = self.prepare_data(stan_init, stan_data)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "data.json")
                path.write_text(json.dumps(data), encoding="utf-8")
                return super().fit(stan_init, stan_data, data=str(path), **kwargs)

    return QuickBackend


def _checked(fitted: FloatArray, task: ShapeTask) -> FloatArray:
    """Return the pattern above zero; raise ShapeError where it left all bounds."""
    mean = float(np.nanmean(task.values))
    past = pd.Series(task.values).rolling(28, min_periods=1).mean().max()
    if not np.isfinite(fitted).all() or fitted.max() > HIGHEST_PEAK * max(past, mean):
        raise ShapeError(f"the forecast explodes to {fitted.max():.6g} a day")
    return np.maximum(fitted, SMALLEST_SHARE * mean)


def shape_fit(
    task: ShapeTask, plain: FloatArray, real: FloatArray, sizes: Sequence[float]
) -> ShapeFit:
    """Put a fit together from what it says without and with its events, (keep + ahead,) each.

    `sizes` are what each event does at its peak as a share of the trend. Raises ShapeError where
    the forecast explodes.
    """
    fitted = _checked(plain, task)
    multiplier = np.clip(real / plain, 0.05, 20.0)[: task.keep]
    effects = tuple(
        (name, max(1.0 + size, 0.0)) for name, size in zip(task.event_names, sizes, strict=True)
    )
    return ShapeFit(fitted, multiplier, effects)


def _sizes(model: Any, task: ShapeTask) -> list[float]:
    columns, beta = model.train_component_cols, model.params["beta"].mean(axis=0)
    return [
        float(beta[columns[f"event{k}"].to_numpy() == 1].sum())
        for k in range(len(task.event_names))
    ]


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the libraries' chatter, and prophet's use of old pandas calls, off the screen."""
    loggers = [logging.getLogger(name) for name in ("cmdstanpy", "prophet", "prophet.forecaster")]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        with warnings.catch_warnings():
            # Prophet 1.5 calls what pandas 3 announces to change; nothing of ours does.
            warnings.filterwarnings("ignore", category=pd.errors.Pandas4Warning)
            yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled
