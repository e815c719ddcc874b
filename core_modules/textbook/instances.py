"""Textbook instances of the lost-sales problem, and the states that their stock can be in.

Times are Zipkin's (2008): an order is placed at the START of a period, before its demand, and is
usable L periods later. In our own convention (order at the end of a day) that is lead time L + 1.
A state is the stock on hand after the period's delivery, and the orders under way, oldest first:
(x0, x1, ..., x_{L-1}).
"""

import math
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import special

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]

NEGLIGIBLE = 1e-14  # probability beyond the largest demand that is listed


def poisson_law(mean: float) -> FloatArray:
    """Return the chances of 0, 1, 2, ... units of Poisson demand, up to a negligible tail.

    >>> poisson_law(5)[:3].round(4).tolist()
    [0.0067, 0.0337, 0.0842]
    """
    _check_mean(mean)
    units = np.arange(int(mean + 10 * math.sqrt(mean) + 20))
    log_chances = units * math.log(mean) - mean - special.gammaln(units + 1)
    return _listed(np.exp(log_chances), np.asarray(special.pdtrc(units, mean), dtype=np.float64))


def geometric_law(mean: float) -> FloatArray:
    """Return the chances of geometric demand that starts from 0: P(k) = (1 - r) r^k.

    >>> geometric_law(5)[:3].round(4).tolist()
    [0.1667, 0.1389, 0.1157]
    """
    _check_mean(mean)
    ratio = mean / (1 + mean)
    units = np.arange(math.log(NEGLIGIBLE) / math.log(ratio) + 2.0)
    return _listed((1 - ratio) * np.power(ratio, units), np.power(ratio, units + 1))


def _check_mean(mean: float) -> None:
    if not 0 < mean < math.inf:
        raise ValueError(f"mean demand must be > 0 and finite, got {mean:g}")


def _listed(chances: FloatArray, beyond: FloatArray) -> FloatArray:
    """Return the chances up to where those beyond are negligible, made to add up to 1."""
    listed = chances[: int(np.argmax(beyond < NEGLIGIBLE)) + 1]
    return np.asarray(listed / listed.sum())


@dataclass(frozen=True, slots=True, eq=False)
class LostSales:
    """One item under periodic review whose unmet demand is lost.

    With several regimes the demand law of a period is that of its regime, which is known when the
    order of the period is placed; the regime of the next period is drawn by `transition`.
    """

    demand: FloatArray  # chance of 0, 1, ... units in a period, (regimes, units)
    holding: float  # money a unit left at the end of a period, > 0
    penalty: float  # money a lost unit, > 0
    lead_time: int  # periods from order to use, >= 1; our own lead time is one more
    order_cost: float = 0.0  # money an order, >= 0
    transition: FloatArray = field(  # chance of the next regime, (regimes, regimes)
        default_factory=lambda: np.ones((1, 1))
    )

    def __post_init__(self) -> None:
        regimes = self.demand.shape[0] if self.demand.ndim == 2 else 0
        if regimes == 0 or self.transition.shape != (regimes, regimes):
            raise ValueError(
                "demand must be (regimes, units) and transition (regimes, regimes), got "
                f"{self.demand.shape} and {self.transition.shape}"
            )
        for name, chances in (("demand", self.demand), ("transition", self.transition)):
            if (chances < 0).any() or not np.allclose(chances.sum(axis=1), 1):
                raise ValueError(f"each row of {name} must be chances that add up to 1")
        if self.lead_time < 1 or self.holding <= 0 or self.penalty <= 0 or self.order_cost < 0:
            raise ValueError(
                "need lead_time >= 1, holding > 0, penalty > 0 and order_cost >= 0, got "
                f"{self.lead_time}, {self.holding:g}, {self.penalty:g}, {self.order_cost:g}"
            )

    @property
    def regimes(self) -> int:
        """Return the number of demand regimes."""
        return int(self.demand.shape[0])

    @property
    def mean_demand(self) -> FloatArray:
        """Return the mean demand of a period by regime, units, (regimes,)."""
        return np.asarray(self.demand @ np.arange(self.demand.shape[1]), dtype=np.float64)

    def period_cost(self, most: int) -> FloatArray:
        """Return the expected holding and penalty of a period, money, (regimes, most + 1).

        By the stock x0 on hand when demand comes: h E(x0 - D)^+ + p E(D - x0)^+.
        """
        stock = np.arange(most + 1)[:, None]
        units = np.arange(self.demand.shape[1])
        left, lost = np.maximum(stock - units, 0), np.maximum(units - stock, 0)
        return np.asarray(self.demand @ (self.holding * left + self.penalty * lost).T)


def one_regime(
    law: FloatArray, *, holding: float, penalty: float, lead_time: int, order_cost: float = 0.0
) -> LostSales:
    """Return the instance whose demand has the same law in every period, (units,)."""
    return LostSales(law[None, :], holding, penalty, lead_time, order_cost)


def viral_instance(penalty: float) -> LostSales:
    """Return the instance of the table `viral_two_regime`: usual demand, and an event of 4x.

    Poisson 5 units a period and 20 in the event, which begins with a chance of 0.02 a period and
    ends with one of 1/7; holding cost 1, lead time 2.
    """
    usual, event = poisson_law(5), poisson_law(20)
    demand = np.stack([np.pad(usual, (0, event.size - usual.size)), event])
    turn = np.array([[0.98, 0.02], [1 / 7, 6 / 7]])
    return LostSales(demand, holding=1.0, penalty=penalty, lead_time=2, transition=turn)


@dataclass(frozen=True, slots=True)
class StateSpace:
    """The states whose units, on hand and under way, are limited, also after the period's order.

    A state's place in flat arrays counts x0 slowest and the youngest order fastest; places whose
    total is beyond `most_units` are never used.
    """

    lead_time: int  # orders under way plus the stock on hand, >= 1
    most_units: int  # on hand and under way with the new order, >= 0
    most_ordered: int  # in one order, >= 0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the limits as the compiled steps take them."""
        return self.lead_time, self.most_units, self.most_ordered

    @property
    def size(self) -> int:
        """Return the number of places."""
        return int((self.most_units + 1) * self.stride)

    @property
    def stride(self) -> int:
        """Return the places between two neighbouring stocks on hand."""
        return int((self.most_ordered + 1) ** (self.lead_time - 1))

    def states_at(self, places: IntArray) -> IntArray:
        """Return the states at some places, units, (n, lead_time)."""
        shape = (self.most_units + 1, *[self.most_ordered + 1] * (self.lead_time - 1))
        return np.stack(np.unravel_index(places, shape), axis=1).astype(np.int64)

    def totals(self) -> IntArray:
        """Return every place's units on hand and under way, (size,)."""
        units = np.arange(self.most_units + 1, dtype=np.int64)
        for _ in range(self.lead_time - 1):
            units = (units[:, None] + np.arange(self.most_ordered + 1)).reshape(-1)
        return units

    def room(self) -> IntArray:
        """Return the largest order allowed at every place, units, (size,); < 0 if never used."""
        return np.minimum(self.most_units - self.totals(), self.most_ordered)

    def places(self, states: IntArray) -> IntArray:
        """Return the places of states that have one, (n,)."""
        place = states[:, 0].astype(np.int64)
        for column in range(1, self.lead_time):
            place = place * (self.most_ordered + 1) + states[:, column]
        return place
