"""The newsvendor: the stock for one stretch of demand at a cost a unit left and a unit short.

The best stock is the least S with P(D <= S) >= p / (p + h). With a lead time L, in Zipkin's
convention, demand is that of L + 1 periods; its law is then the base-stock level of a system with
backorders, and the cost that of a period.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import special

FloatArray: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Newsvendor:
    """A stock and its expected cost; arrays of the shape of the arguments."""

    quantity: FloatArray  # units
    cost: FloatArray  # money


def critical_ratio(holding: npt.ArrayLike, stockout: npt.ArrayLike) -> FloatArray:
    """Return p / (p + h), the chance with which demand should be covered.

    >>> critical_ratio(1, [4, 9, 19]).round(4).tolist()
    [0.8, 0.9, 0.95]
    """
    holding, stockout = np.asarray(holding, dtype=float), np.asarray(stockout, dtype=float)
    if (holding <= 0).any() or (stockout <= 0).any():
        raise ValueError("need holding > 0 and stockout > 0")
    return np.asarray(stockout / (stockout + holding))


def newsvendor_normal(
    holding: npt.ArrayLike,
    stockout: npt.ArrayLike,
    mean: npt.ArrayLike,
    sd: npt.ArrayLike,
    lead_time: npt.ArrayLike = 0,
) -> Newsvendor:
    """Return the best stock for normal demand: S = mean + z sd, cost = (h + p) sd phi(z).

    `mean` and `sd` are those of a period, units; z is the standard normal quantile of the critical
    ratio and phi the density there.

    >>> best = newsvendor_normal(0.18, 0.7, 50, 8)  # published: 56.60396, 1.997605
    >>> round(float(best.quantity), 5), round(float(best.cost), 6)
    (56.60396, 1.997605)
    >>> best = newsvendor_normal(0.18, 0.7, 50, 8, lead_time=4)  # published: 264.7669, 4.466781
    >>> round(float(best.quantity), 4), round(float(best.cost), 6)
    (264.7669, 4.466781)
    """
    z = special.ndtri(critical_ratio(holding, stockout))
    periods = np.asarray(lead_time) + 1
    spread = np.asarray(sd) * np.sqrt(periods)
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    return Newsvendor(
        np.asarray(mean) * periods + z * spread,
        (np.asarray(holding) + np.asarray(stockout)) * spread * density,
    )


def newsvendor_poisson(
    holding: npt.ArrayLike,
    stockout: npt.ArrayLike,
    mean: npt.ArrayLike,
    lead_time: npt.ArrayLike = 0,
) -> Newsvendor:
    """Return the best stock for Poisson demand, whole units; `mean` is that of a period.

    E(D - S)^+ = mean P(D >= S) - S P(D > S), because k P(D = k) = mean P(D = k - 1).

    >>> best = newsvendor_poisson(1, 4, 6)  # published: 8, 3.570107
    >>> float(best.quantity), round(float(best.cost), 6)
    (8.0, 3.570107)
    """
    demand = np.asarray(mean, dtype=np.float64) * (np.asarray(lead_time) + 1)
    ratio = critical_ratio(holding, stockout)
    stock = np.ceil(special.pdtrik(ratio, demand))
    # The inverse is real and rounded: the least whole number is the one below where that covers.
    stock = stock - ((stock >= 1) & (special.pdtr(stock - 1, demand) >= ratio))
    below = np.where(stock >= 1, special.pdtr(stock - 1, demand), 0.0)
    short = demand * (1 - below) - stock * special.pdtrc(stock, demand)
    left = stock - demand + short
    return Newsvendor(stock, np.asarray(holding) * left + np.asarray(stockout) * short)


def newsvendor_lognormal(
    holding: npt.ArrayLike, stockout: npt.ArrayLike, mu: npt.ArrayLike, sigma: npt.ArrayLike
) -> Newsvendor:
    """Return the best stock for lognormal demand; `mu` and `sigma` are those of its logarithm.

    S = exp(mu + z sigma). The part of the mean that lies above S is Phi(sigma - z), so
    E(D - S)^+ = mean Phi(sigma - z) - S (1 - Phi(z)), with Phi the normal distribution.

    >>> best = newsvendor_lognormal(1, 0.1765, 6, 0.3)  # published: 295.6266, 29.44254
    >>> round(float(best.quantity), 4), round(float(best.cost), 5)
    (295.6266, 29.44254)
    """
    z = special.ndtri(critical_ratio(holding, stockout))
    mu, sigma = np.asarray(mu, dtype=np.float64), np.asarray(sigma, dtype=np.float64)
    stock, mean = np.exp(mu + z * sigma), np.exp(mu + sigma**2 / 2)
    short = mean * special.ndtr(sigma - z) - stock * special.ndtr(-z)
    left = stock - mean + short
    return Newsvendor(stock, np.asarray(holding) * left + np.asarray(stockout) * short)
