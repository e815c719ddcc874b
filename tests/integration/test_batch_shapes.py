"""Patterns by the batch engine beside Prophet's own: the same tasks, the same model."""

import numpy as np
import pytest

from core_modules.forecasting.prophet_batch import fit_shapes
from core_modules.forecasting.prophet_shape import ShapeError, ShapeFit, ShapeSettings, ShapeTask

AHEAD = 28


def task(days: int, events: int, holidays: int, *, gap: bool, seed: int) -> ShapeTask:
    """Return a series with a weekly and a yearly season, events that double it, and holidays."""
    rng, t = np.random.default_rng(seed), np.arange(days)
    season = 1 + 0.3 * np.sin(2 * np.pi * t / 7) + 0.2 * np.sin(2 * np.pi * t / 365.25)
    values = 50 * season * rng.gamma(20, 1 / 20, days)
    acting = np.zeros((days + AHEAD, events))
    for number in range(events):
        acting[100 + 50 * number : 106 + 50 * number, number] = 1
    values *= 1 + acting[:days].sum(axis=1)
    named = np.zeros((days + AHEAD, holidays))
    for number in range(holidays):
        named[20 + 40 * number :: 365, number] = 1
    if gap:
        values[200:215] = np.nan
    names = tuple(f"event {number}" for number in range(events))
    return ShapeTask(
        np.datetime64("2022-01-01"), 1, values, AHEAD, min(days, 430), named, acting, names,
        ShapeSettings(),
    )  # fmt: skip


TASKS = (
    task(800, 0, 2, gap=False, seed=0),
    task(800, 1, 2, gap=True, seed=1),
    task(120, 0, 0, gap=False, seed=2),
    task(400, 2, 0, gap=False, seed=3),
    task(60, 0, 0, gap=False, seed=4),
)


def test_patterns_by_the_batch_engine_are_prophets() -> None:
    mine = fit_shapes(TASKS, engine="batch", jobs=1)
    theirs = fit_shapes(TASKS, engine="prophet", jobs=1)
    for one, other in zip(mine, theirs, strict=True):
        assert isinstance(one, ShapeFit)
        assert isinstance(other, ShapeFit)
        # Stan stops a little before the optimum.
        assert one.fitted == pytest.approx(other.fitted, rel=0.01)
        assert one.event_multiplier == pytest.approx(other.event_multiplier, rel=0.01)
        assert dict(one.event_effects) == pytest.approx(dict(other.event_effects), rel=0.01)


def test_a_series_without_a_sale_is_an_error_beside_the_fits_of_the_others() -> None:
    empty = task(120, 0, 0, gap=False, seed=0)
    empty.values[:] = 0.0
    told = []
    made = fit_shapes(
        [TASKS[2], empty, TASKS[4]], engine="batch", progress=lambda *done: told.append(done)
    )
    assert [type(one) for one in made] == [ShapeFit, ShapeError, ShapeFit]
    assert told == [(3, 3)]
