"""What a batch of fits shares: Prophet's own settings under Prophet's own names."""

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

Mode = Literal["additive", "multiplicative"]
Order = Literal["auto"] | bool | int


@dataclass(frozen=True, slots=True)
class Seasonality:
    """A seasonality beside the built-in ones, as `Prophet.add_seasonality` takes it."""

    name: str
    period: float  # days
    fourier_order: int  # >= 1
    prior_scale: float | None = None  # > 0; None takes seasonality_prior_scale
    mode: Mode | None = None  # None takes seasonality_mode
    condition_name: str | None = None  # a column of the data, true where the season applies


@dataclass(frozen=True, slots=True)
class Regressor:
    """A column of the data that explains it, as `Prophet.add_regressor` takes it."""

    name: str
    prior_scale: float | None = None  # > 0; None takes holidays_prior_scale
    standardize: Literal["auto"] | bool = "auto"
    mode: Mode | None = None  # None takes seasonality_mode


@dataclass(frozen=True, slots=True, eq=False)
class BatchSettings:
    """How every series of a batch is fitted; a default is Prophet's default.

    Raises ValueError for a growth, mode or scaling that Prophet does not know; Prophet itself
    checks the rest when its object is made.
    """

    growth: Literal["linear", "logistic", "flat"] = "linear"
    changepoints: tuple[pd.Timestamp, ...] | None = None
    n_changepoints: int = 25
    changepoint_range: float = 0.8  # share of the rows, 0 to 1
    yearly_seasonality: Order = "auto"
    weekly_seasonality: Order = "auto"
    daily_seasonality: Order = "auto"
    holidays: pd.DataFrame | None = None  # holiday, ds, lower_window, upper_window, prior_scale
    seasonality_mode: Mode = "additive"
    seasonality_prior_scale: float = 10.0
    holidays_prior_scale: float = 10.0
    changepoint_prior_scale: float = 0.05
    holidays_mode: Mode | None = None  # None takes seasonality_mode
    seasonalities: tuple[Seasonality, ...] = ()
    regressors: tuple[Regressor, ...] = ()
    scaling: Literal["absmax"] = "absmax"
    levels: tuple[int, ...] = (80, 95)  # percent inside the intervals

    def __post_init__(self) -> None:
        """Check the choices that the engine itself branches on."""
        if self.growth not in ("linear", "logistic", "flat"):
            raise ValueError(f"growth must be linear, logistic or flat, got {self.growth!r}")
        if self.scaling != "absmax":
            raise ValueError(f"scaling must be 'absmax', got {self.scaling!r}")
        if not all(0 < level < 100 for level in self.levels):
            raise ValueError(f"levels must lie between 0 and 100 percent, got {self.levels}")
        if not self.changepoint_prior_scale > 0:
            raise ValueError(
                f"changepoint_prior_scale must be > 0, got {self.changepoint_prior_scale}"
            )


def prophet_model(settings: BatchSettings, **overrides: Any) -> Any:
    """Return an unfitted Prophet object with these settings; overrides go to its constructor."""
    from prophet import Prophet

    changepoints = settings.changepoints
    arguments: dict[str, Any] = {
        "growth": settings.growth,
        "changepoints": None if changepoints is None else list(changepoints),
        "n_changepoints": settings.n_changepoints,
        "changepoint_range": settings.changepoint_range,
        "yearly_seasonality": settings.yearly_seasonality,
        "weekly_seasonality": settings.weekly_seasonality,
        "daily_seasonality": settings.daily_seasonality,
        "holidays": None if settings.holidays is None else settings.holidays.copy(),
        "seasonality_mode": settings.seasonality_mode,
        "seasonality_prior_scale": settings.seasonality_prior_scale,
        "holidays_prior_scale": settings.holidays_prior_scale,
        "changepoint_prior_scale": settings.changepoint_prior_scale,
        "holidays_mode": settings.holidays_mode,
        "interval_width": settings.levels[0] / 100 if settings.levels else 0.8,
    }
    model = Prophet(**(arguments | overrides))
    for season in settings.seasonalities:
        model.add_seasonality(
            season.name,
            season.period,
            season.fourier_order,
            prior_scale=season.prior_scale,
            mode=season.mode,
            condition_name=season.condition_name,
        )
    for regressor in settings.regressors:
        model.add_regressor(
            regressor.name,
            prior_scale=regressor.prior_scale,
            standardize=regressor.standardize,
            mode=regressor.mode,
        )
    return model
