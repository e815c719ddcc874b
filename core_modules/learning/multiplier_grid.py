"""Beliefs about a multiplier on demand: probabilities on one grid, weighed with a day's sales."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from core_modules.market_scenarios import JointEffect

FloatArray = NDArray[np.float64]

MULTIPLIERS: FloatArray = np.exp(np.linspace(np.log(0.1), np.log(10.0), 47))  # (sizes,)
NO_EFFECT = 23  # index of the multiplier 1


@dataclass(frozen=True, slots=True)
class DayEvidence:
    """A day's sales against what ordinary demand would have been."""

    sales: float  # units sold
    ran_out: bool  # demand was at least the sales
    expected: float  # units, ordinary demand at the level of the day, >= 0
    variation: float  # coefficient of variation of a day's demand about `expected`, >= 0


def posterior(sizes: FloatArray, evidence: DayEvidence, others: JointEffect) -> FloatArray:
    """Weigh probabilities of an event's sizes (sizes,) with a day that `others` act on too."""
    if evidence.expected <= 0:
        return sizes
    fit = log_likelihood(evidence, others.joined(MULTIPLIERS).multiplier)
    weighted = sizes * np.exp(fit - fit[sizes > 0].max())
    return np.asarray(weighted / weighted.sum())


def log_likelihood(evidence: DayEvidence, multipliers: FloatArray) -> FloatArray:
    """Return the log probability of the day's sales under each multiplier, negative binomial."""
    mean = evidence.expected * multipliers
    # An event scales demand and its noise alike, so the coefficient of variation stays.
    excess = max(evidence.variation**2 - 1 / evidence.expected, 1e-3)
    shape, sales = 1 / excess, float(round(evidence.sales))
    chance = mean / (shape + mean)
    if evidence.ran_out:
        at_least = special.betainc(sales, shape, chance) if sales > 0 else np.ones_like(mean)
        return np.log(np.maximum(at_least, 1e-300))
    return np.asarray(
        special.gammaln(sales + shape)
        - special.gammaln(shape)
        - special.gammaln(sales + 1)
        + special.xlogy(sales, chance)
        + shape * np.log1p(-chance)
    )


def point_mass(index: int) -> FloatArray:
    """Return probabilities (sizes,) that are sure of one multiplier."""
    mass = np.zeros(MULTIPLIERS.size)
    mass[index] = 1.0
    return mass


def lognormal_sizes(median: float, spread: float) -> FloatArray:
    """Return probabilities of MULTIPLIERS for a lognormal size."""
    return effect_sizes(np.exp(-0.5 * ((np.log(MULTIPLIERS) - np.log(median)) / spread) ** 2))


def effect_sizes(density: FloatArray) -> FloatArray:
    """Return probabilities of MULTIPLIERS from a density of their logs, none for no effect."""
    effect = density.copy()
    effect[NO_EFFECT] = 0.0
    return np.asarray(effect / effect.sum())
