"""Between a batch fit and real Prophet objects, both ways."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd

from core_modules.batch_prophet.assembly import (
    changepoint_table,
    result_of,
    room_for,
    source_of,
)
from core_modules.batch_prophet.chunks import check_chunk, start_norms
from core_modules.batch_prophet.design import Design, design_of, prophet_silence
from core_modules.batch_prophet.fallbacks import item_problem, sigma_loss, store_state
from core_modules.batch_prophet.fitted import CONSTANT, PROPHET, UNFIT, BatchFit
from core_modules.batch_prophet.fitting import frame_columns
from core_modules.batch_prophet.panel import Panel, panel_of_frame
from core_modules.batch_prophet.problem import FLAT, new_state
from core_modules.batch_prophet.scaling import scale_panel
from core_modules.batch_prophet.settings import BatchSettings, Regressor, Seasonality, prophet_model

# Period in days and Fourier terms of the seasons that Prophet turns on by itself.
BUILT_IN = {"yearly": (365.25, 10), "weekly": (7, 3), "daily": (1, 4)}


def to_prophet(fit: BatchFit, unique_id: object) -> Any:
    """Return one item's fit as a fitted Prophet object: predict, plots and components work.

    Raises KeyError for an item that is not in the batch, ValueError for one that was not fitted.
    """
    item = int(fit.ids.get_loc(unique_id))  # type: ignore[arg-type]
    if fit.route[item] == UNFIT:
        raise ValueError(f"{unique_id!r} has fewer than two days of data and was not fitted")
    with prophet_silence():
        model = prophet_model(fit.settings)
        model.preprocess(item_frame(fit.panel, item))
    changes = len(model.changepoints_t)
    columns = fit.designs[fit.design[item]].order.size
    model.params = {
        "k": np.array([[fit.k[item]]]),
        "m": np.array([[fit.m[item]]]),
        "delta": fit.delta[item, :changes].reshape(1, -1).copy(),
        "beta": fit.beta[item, :columns].reshape(1, -1).copy(),
        "sigma_obs": np.array([[fit.sigma_obs[item]]]),
    }
    if np.isfinite(fit.loss[item]):
        model.params["lp__"] = np.array([[-fit.loss[item]]])
    trend = model.predict_trend(model.history) - model.history["floor"]
    model.params["trend"] = trend.to_numpy().reshape(1, -1) / model.y_scale
    return model


def item_frame(panel: Panel, item: int) -> pd.DataFrame:
    """Return an item's history as Prophet takes it: ds, y and the other columns."""
    part = panel.part(item, item + 1)
    columns = {name: array[part] for name, array in panel.columns.items()}
    return pd.DataFrame({"ds": panel.dates[panel.rows[part]], "y": panel.y[part], **columns})


def from_prophet(models: Mapping[str, Any]) -> BatchFit:
    """Return fitted Prophet objects, by item, as one batch fit, each with its loss and residual.

    The loss is at the object's own sigma; the residual at the one best for the other parameters.
    Raises ValueError where the objects differ in their settings, were sampled by MCMC, or use
    built-in country holidays, which a batch does not know.
    """
    if not models:
        raise ValueError("there is no Prophet object to take over")
    settings = _common_settings(models)
    frames = [_history(model).assign(unique_id=name) for name, model in models.items()]
    frame = pd.concat(frames, ignore_index=True)
    panel = panel_of_frame(frame, frame_columns(settings, frame))
    scaled = scale_panel(panel, settings)
    designs = [_design(settings, model) for model in models.values()]
    fits = room_for(panel, settings, designs)
    route = np.full(panel.items, PROPHET, np.int8)
    picks = changepoint_table(panel, settings)
    for item, (model, design) in enumerate(zip(models.values(), designs, strict=True)):
        source = source_of(panel, settings, scaled, design, picks)
        problem, y, caps = item_problem(source, item)
        state, residual = new_state(problem, 1), np.empty(1)
        state.slope[0], state.offset[0] = model.params["k"].item(), model.params["m"].item()
        if problem.kind != FLAT:
            if len(model.changepoints_t) != problem.changes.size:
                raise ValueError("the models differ in n_changepoints")
            state.change[0] = model.params["delta"].ravel()
        state.beta[0] = model.params["beta"].ravel()[design.order]
        check_chunk(problem, y, caps, state, start_norms(problem, y, caps), residual)
        store_state(state, problem, residual[0], fits, item)
        own = model.params["sigma_obs"].item()
        fits.loss[item] += sigma_loss(y.size, state.variance[0], own)
        fits.variance[item] = own**2
        if scaled.constant[item] and settings.growth != "logistic":
            route[item], fits.loss[item], fits.residual[item] = CONSTANT, np.nan, 0.0
    return result_of(panel, settings, designs, np.arange(panel.items), scaled, fits, route)


def _common_settings(models: Mapping[str, Any]) -> BatchSettings:
    listed = {name: settings_of(model) for name, model in models.items()}
    first = next(iter(listed.values()))
    plain = [f.name for f in fields(first) if f.name not in ("holidays", "n_changepoints")]
    for name, settings in listed.items():
        same = all(getattr(settings, key) == getattr(first, key) for key in plain)
        if first.holidays is None or settings.holidays is None:
            same = same and first.holidays is settings.holidays
        else:
            same = same and first.holidays.equals(settings.holidays)
        if not same:
            raise ValueError(f"the settings of {name!r} differ from those of the first model")
    # Prophet lowers the number for a short history; the largest is what all of them asked for.
    return replace(first, n_changepoints=max(s.n_changepoints for s in listed.values()))


def _history(model: Any) -> pd.DataFrame:
    """Return a fitted model's history with its regressors back in their own units."""
    frame: pd.DataFrame = model.history.drop(
        columns=["t", "y_scaled", "cap_scaled"], errors="ignore"
    )
    if not model.logistic_floor:
        frame = frame.drop(columns="floor", errors="ignore")
    for name, props in model.extra_regressors.items():
        frame[name] = frame[name] * props["std"] + props["mu"]
    return frame


def _design(settings: BatchSettings, model: Any) -> Design:
    with prophet_silence():
        features, sigmas, _, _ = model.make_all_seasonality_features(model.history)
    return design_of(settings, model, list(features.columns), np.asarray(sigmas, dtype=float))


def settings_of(model: Any) -> BatchSettings:
    """Return the settings that a Prophet object was made with.

    Raises ValueError for what a batch does not know.
    """
    if model.country_holidays is not None:
        raise ValueError("built-in country holidays are not known here: pass a holidays frame")
    if model.mcmc_samples or model.params.get("k") is None:
        raise ValueError("only fitted MAP estimates can be taken over")
    if model.scaling != "absmax":
        raise ValueError(f"scaling must be 'absmax', got {model.scaling!r}")
    return BatchSettings(
        growth=model.growth,
        changepoints=tuple(model.changepoints) if model.specified_changepoints else None,
        n_changepoints=model.n_changepoints,
        changepoint_range=model.changepoint_range,
        yearly_seasonality=model.yearly_seasonality,
        weekly_seasonality=model.weekly_seasonality,
        daily_seasonality=model.daily_seasonality,
        holidays=model.holidays,
        seasonality_mode=model.seasonality_mode,
        seasonality_prior_scale=model.seasonality_prior_scale,
        holidays_prior_scale=model.holidays_prior_scale,
        changepoint_prior_scale=model.changepoint_prior_scale,
        holidays_mode=model.holidays_mode,
        seasonalities=tuple(
            Seasonality(name=name, **props)
            for name, props in model.seasonalities.items()
            if not _built_in(model, name, props)
        ),
        regressors=tuple(
            Regressor(name, props["prior_scale"], props["standardize"], props["mode"])
            for name, props in model.extra_regressors.items()
        ),
        levels=(round(100 * model.interval_width),),
    )


def _built_in(model: Any, name: str, props: dict[str, Any]) -> bool:
    """Whether Prophet made a seasonality from its own argument, not from `add_seasonality`."""
    if name not in BUILT_IN:
        return False
    argument = getattr(model, f"{name}_seasonality")
    if argument != "auto":
        return bool(argument)
    period, order = BUILT_IN[name]
    return props == {
        "period": period,
        "fourier_order": order,
        "prior_scale": model.seasonality_prior_scale,
        "mode": model.seasonality_mode,
        "condition_name": None,
    }
