"""Measures what is worth learning of a supplier from its receipts.

    python benchmarks/learning_supplier.py

The supplier states three days and full deliveries. One keeps its word, one comes in 3 to 6 days and
fills 90 %, one comes late now and then. A shop that believes the statement is compared with one
that learns from receipts and one that was told the true law; demand is drawn from a known law.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)

from dataclasses import dataclass  # noqa: E402 - the guard above comes first
from datetime import date  # noqa: E402

import numpy as np  # noqa: E402

from benchmarks.learning_orders import (  # noqa: E402
    FloatArray,
    daily_cost,
    fill_rate,
    item_terms,
    newsvendor_orders,
    paired_ratio,
    units_short,
)
from core_modules.demand_law import negative_binomial_quantile  # noqa: E402
from core_modules.forecasting.forecast_values import standard_uniforms  # noqa: E402
from core_modules.inventory import IntArray  # noqa: E402
from core_modules.learning.supplier_record import (  # noqa: E402
    LONGEST_DELAY,
    SupplierRecord,
    confirmed_receipt,
    fill_paths,
    lead_time_paths,
)
from core_modules.market import Market  # noqa: E402
from core_modules.simulation import Observation, SimulationResult, simulate  # noqa: E402

START, STATED, PENALTY = date(2024, 1, 1), 3, 9.0
MEAN, SHAPE = 20.0, 10.0  # demand a day: negative binomial
SHOPS, DAYS, BURN_IN, PATHS, SEED = 40, 300, 30, 128, 41
LATER = 4  # orders after tonight's whose arrival a path draws too
REACH = STATED + LONGEST_DELAY + 1  # days ahead that a path looks
LEAST_SHARE = 0.05  # of an order that is planned with
SURE = 1000.0  # receipts that a law which is told counts for


@dataclass(frozen=True, slots=True)
class SupplierLaw:
    """What a supplier really does, which no shop is told."""

    name: str
    chances: tuple[float, ...]  # of lead time 1, 2, ... days
    filled: tuple[float, float]  # least and largest share filled, evenly spread

    def record(self) -> SupplierRecord:
        """Return the record of a shop that was told."""
        low, high = self.filled
        mean, square = (low + high) / 2, (low**2 + low * high + high**2) / 3
        days = tuple(SURE * chance for chance in self.chances)
        return SupplierRecord(STATED, days, SURE, SURE * mean, SURE * square)


SUPPLIERS = (
    SupplierLaw("keeps its word", (0, 0, 1), (1, 1)),
    SupplierLaw("3 to 6 days, fills 0.9", (0, 0, 0.25, 0.25, 0.25, 0.25), (0.9, 0.9)),
    SupplierLaw("3 days, fills 0.5 to 1", (0, 0, 1), (0.5, 1)),
    SupplierLaw("one in five 4 days late", (0, 0, 0.8, 0, 0, 0, 0.2), (1, 1)),
)


class Buyer:
    """Orders on paths of demand, lead time and fill; learns from confirmations, or does not."""

    def __init__(self, name: str, record: SupplierRecord | None, learns: bool) -> None:
        self.name, self._learns = name, learns
        self._records: list[SupplierRecord | None] = [record] * SHOPS
        uniforms = standard_uniforms(PATHS, REACH + LATER + 1, 3)
        self._fill, self._lead_times = uniforms[:, 0], uniforms[:, 1 : LATER + 2]
        self._demand = negative_binomial_quantile(uniforms[:, LATER + 2 :], MEAN, SHAPE)
        self._terms = item_terms(1, STATED, PENALTY)
        self._ordered = np.zeros(SHOPS, dtype=np.int64)
        self._due = np.zeros((SHOPS, REACH), dtype=np.int64)
        self._stock = np.zeros(SHOPS, dtype=np.int64)

    def order(self, observation: Observation) -> IntArray:
        """Read the receipts, then order for the days of arrival, (1, shops)."""
        due = np.zeros((SHOPS, REACH), dtype=np.int64)
        known = observation.due[0, :, :REACH]
        due[:, : known.shape[1]] = known
        if self._learns and observation.day > 0:
            received = observation.on_hand[0] + observation.sales[0] - self._stock
            self._read_receipts(due, received)
        self._ordered, self._due = self._orders(observation.on_hand[0], due), due
        self._stock = observation.on_hand[0].copy()
        return self._ordered[None]

    def _read_receipts(self, due: IntArray, received: IntArray) -> None:
        for shop in np.flatnonzero(self._ordered):
            record = self._records[shop] or SupplierRecord(STATED)
            receipt = confirmed_receipt(
                int(self._ordered[shop]), self._due[shop], due[shop], int(received[shop])
            )
            self._records[shop] = record.observe(receipt)

    def _orders(self, on_hand: IntArray, due: IntArray) -> IntArray:
        days = np.stack([_lead_times(one, self._lead_times) for one in self._records])
        shares = np.stack([_shares(one, self._fill) for one in self._records])
        # Tonight's order serves until the first of the next evenings' is there; on paths on which
        # one of these overtakes it, a unit of it serves nobody.
        arrives, following = days[:, :, 0], (days[:, :, 1:] + np.arange(1, LATER + 1)).min(axis=2)
        covers = np.maximum(following - arrives, 0)
        reach = min(int((arrives + covers).max()), REACH)
        demand = np.broadcast_to(self._demand[None, :, :reach], (SHOPS, PATHS, reach))
        short = units_short(demand, on_hand, due, arrives, covers)
        sent = np.ceil(short / np.maximum(shares, LEAST_SHARE)).astype(np.int64)
        return newsvendor_orders(sent, self._terms)


def _lead_times(record: SupplierRecord | None, uniforms: FloatArray) -> IntArray:
    if record is None:
        return np.full(uniforms.shape, STATED)
    return lead_time_paths(record, uniforms)


def _shares(record: SupplierRecord | None, uniforms: FloatArray) -> FloatArray:
    return np.ones(uniforms.size) if record is None else fill_paths(record, uniforms)


def supplied_market(law: SupplierLaw, rng: np.random.Generator) -> Market:
    """Draw demand and the supplier's doings, a replication a shop."""
    shape = (1, SHOPS, DAYS)
    low, high = law.filled
    return Market(
        start=START,
        demand=negative_binomial_quantile(rng.random(shape), MEAN, SHAPE),
        lead_times=np.searchsorted(np.cumsum(law.chances), rng.random(shape), side="right") + 1,
        filled_share=rng.uniform(low, high, shape) if high > low else np.full(shape, low),
        price_multiplier=np.ones(shape),
        scenario=np.full(shape, "Normal_Operations"),
        events=((),) * SHOPS,
    )


def measure(law: SupplierLaw, rng: np.random.Generator) -> list[str]:
    """Return a line for each shop: its cost and service with this supplier."""
    market, terms = supplied_market(law, rng), item_terms(1, STATED, PENALTY)
    buyers = (
        Buyer("believes", None, learns=False),
        Buyer("learns", SupplierRecord(STATED), learns=True),
        Buyer("told", law.record(), learns=False),
    )
    opening = np.array([int(MEAN * (STATED + 1))])
    runs: dict[str, SimulationResult] = {
        buyer.name: simulate(market, terms, opening, buyer) for buyer in buyers
    }
    usual, lines = _cost(runs["believes"], BURN_IN), []
    early = _cost(runs["believes"], 0)
    for name, result in runs.items():
        ratio, error = paired_ratio(_cost(result, BURN_IN), usual)
        begun, _ = paired_ratio(_cost(result, 0), early)
        lines.append(
            f"{law.name:24} {name:9} {_cost(result, BURN_IN).mean():7.1f} "
            f"{ratio:7.3f} +-{error:.3f} {begun:7.3f} {fill_rate(result, BURN_IN):7.1%}"
        )
    return lines


def _cost(result: SimulationResult, first: int) -> FloatArray:
    return np.asarray(daily_cost(result, item_terms(1, STATED, PENALTY), first)[0])


def main() -> int:
    """Run the experiment and print its table; return the exit code."""
    rng = np.random.default_rng(SEED)
    print(f"Supplier: {SHOPS} shops x {DAYS} days, p/h {PENALTY:g}, stated: {STATED} days and all")
    print(f"from day {BURN_IN}:{'':40} to believing  from 0    fill")
    print("supplier                 shop      cost/day   ratio          ratio")
    for law in SUPPLIERS:
        print("\n".join(measure(law, rng)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
