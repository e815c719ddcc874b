"""Where a refit starts: an earlier fit of the same items, carried over to the new scales."""

import numpy as np

from core_modules.batch_prophet.design import Design
from core_modules.batch_prophet.fitted import BatchFit
from core_modules.batch_prophet.own_calendars import Fits, Source
from core_modules.batch_prophet.panel import FloatArray, IntArray, Panel
from core_modules.batch_prophet.problem import LOGISTIC
from core_modules.batch_prophet.scaling import Scaled


def warm_values(
    earlier: BatchFit | None,
    panel: Panel,
    scaled: Scaled,
    source: Source,
    design: Design,
    members: IntArray,
    fits: Fits,
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Write starts for the members that an earlier fit knows; return which those are.

    The earlier trend is read at the new changepoints and at both ends and joined by straight
    lines; seasons are carried over by name.
    """
    known = np.zeros(members.size, dtype=bool)
    if earlier is None or source.kind == LOGISTIC or earlier.settings.growth == "logistic":
        return known
    old = earlier.ids.get_indexer(panel.ids[members])
    for place, (item, before) in enumerate(zip(members, old, strict=True)):
        if before < 0 or not earlier.converged[before] or earlier.sigma_obs[before] <= 1e-8:
            continue
        known[place] = True
        ratio = earlier.y_scale[before] / scaled.y_scale[item]
        changes = _changes(source, int(item), scaled)
        knots = np.concatenate([[0.0], changes, [1.0]])
        when = (knots * scaled.span[item] + scaled.start[item] - earlier.start[before]) / (
            earlier.t_scale[before]
        )
        slopes = _slopes(knots, _trend(earlier, int(before), when) * ratio)
        fits.offset[item] = _trend(earlier, int(before), when[:1])[0] * ratio
        fits.slope[item] = slopes[0] if changes.size else 0.0
        fits.change[item, : changes.size] = np.diff(slopes)[: changes.size]
        fits.beta[item, : design.sigmas.size] = _seasons(earlier, int(before), design, ratio)
    return known


def _changes(source: Source, item: int, scaled: Scaled) -> FloatArray:
    from core_modules.batch_prophet.own_calendars import _changes_of

    rows = source.rows[source.offsets[item] : source.offsets[item + 1]]
    times = (source.dates[rows] - scaled.start[item]) / scaled.span[item]
    found = _changes_of(source, item, times, scaled.start[item], scaled.span[item])
    return np.asarray(found)


def _trend(earlier: BatchFit, item: int, when: FloatArray) -> FloatArray:
    """Return an earlier linear or flat trend at scaled times, scaled."""
    places = earlier.changepoints_t[item]
    real = ~np.isnan(places)
    hinges = np.maximum(when[:, None] - places[real], 0.0)
    return np.asarray(earlier.k[item] * when + earlier.m[item] + hinges @ earlier.delta[item, real])


def _slopes(knots: FloatArray, values: FloatArray) -> FloatArray:
    """Return the slope of each piece; a piece without length continues the one before."""
    slopes = np.zeros(knots.size - 1)
    for piece, (width, rise) in enumerate(zip(np.diff(knots), np.diff(values), strict=True)):
        slopes[piece] = rise / width if width > 1e-12 else slopes[max(piece - 1, 0)]
    # Differences of rounding size would start as changes that the prior has to undo.
    flat = np.abs(np.diff(slopes, prepend=slopes[0])) < 1e-9
    for place in np.flatnonzero(flat[1:]) + 1:
        slopes[place] = slopes[place - 1]
    return slopes


def _seasons(earlier: BatchFit, item: int, design: Design, ratio: float) -> FloatArray:
    before = earlier.designs[earlier.design[item]]
    sizes = {
        name: earlier.beta[item, place]
        for name, place in zip(before.names, before.order, strict=True)
    }
    found = np.array([sizes.get(name, 0.0) for name in design.names])
    found[design.multiplied :] *= ratio
    return found
