"""The past of a planner's history as cases: what was known at each origin, and what came after."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.history_files.sales_columns import item_ids, numbers, require_columns
from core_modules.history_files.sales_dates import days
from core_modules.history_files.sales_errors import SalesDataError, listed
from core_modules.history_files.sales_files import read_table
from core_modules.inventory import IntArray
from core_modules.item_terms import ItemTerms
from core_modules.planning.period_calendar import PeriodCalendar
from core_modules.planning.plan_inputs import PlanInputs
from core_modules.run_cases import RunCase
from core_modules.simulation import build_market

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

RECENT = 28  # periods before an origin whose mean sales size its opening stock
SHORTEST_PAST = 8  # periods of history that an item needs before an origin


@dataclass(frozen=True, slots=True, eq=False)
class OriginCase:
    """One origin: the case in the agent's days, and which of its item-periods count."""

    case: RunCase
    past: pd.DataFrame  # long frame up to the origin, real dates
    origin: date  # first day of the last period of the past
    unknown: BoolArray  # (items, periods) out of stock: demand is taken as 0 and not scored
    scored: BoolArray  # (items, periods) demand is known and an order could have arrived
    received: IntArray | None  # (items, periods) what was received, where that is known


def read_received(path: Path, inputs: PlanInputs) -> IntArray:
    """Return the units received in each period of the history, (items, periods).

    The file has `unique_id`, `ds` (any day of the period) and `quantity`; an item may have several
    rows, also for one day. Rows outside the history are left out. Raises SalesDataError where the
    file cannot be used.
    """
    table = read_table(path)
    synonyms = {"quantity": ("received", "qty", "units"), "ds": ("date", "due", "day")}
    require_columns(table, ("unique_id", "ds", "quantity"), synonyms)
    item, ids = item_ids(table)
    place = {one.unique_id: at for at, one in enumerate(inputs.terms)}
    unknown = [name for name in ids if name not in place]
    if unknown:
        raise SalesDataError(
            f"{path}: the sales have no {listed(unknown, most=3)}; correct the ids, or remove the "
            "rows"
        )
    units = numbers(table, "quantity", whole=True).astype(np.int64)
    calendar = inputs.calendar
    first: date = inputs.history.frame["ds"].min().date()
    periods = -calendar.periods_after(first) + 1
    received = np.zeros((len(place), periods), dtype=np.int64)
    for row, day in enumerate(days(table, "ds").tolist()):
        column = periods - 1 + calendar.periods_after(day)
        if 0 <= column < periods:
            received[place[ids[int(item[row])]], column] += units[row]
    return received


def origin_cases(
    inputs: PlanInputs, *, origins: int, periods: int, received: IntArray | None = None
) -> list[OriginCase]:
    """Cut the last `origins` x `periods` periods of a history into cases, the earliest first.

    Raises SalesDataError where the history is too short.
    """
    frame = inputs.history.frame
    last, step = inputs.calendar.last, inputs.calendar.step
    first: date = frame["ds"].min().date()
    needed = origins * periods + SHORTEST_PAST
    known = (last - first).days // step + 1
    if known < needed:
        raise SalesDataError(
            f"{inputs.history.name} has {known} periods; {origins} origins of {periods} periods "
            f"need at least {needed}: use fewer or shorter ones"
        )
    return [
        _case(inputs, last - timedelta(days=step * periods * back), periods, received)
        for back in range(origins, 0, -1)
    ]


def _case(inputs: PlanInputs, origin: date, periods: int, received: IntArray | None) -> OriginCase:
    frame, step = inputs.history.frame, inputs.calendar.step
    calendar = PeriodCalendar(origin, step)
    past = frame[frame["ds"] <= pd.Timestamp(origin)]
    lengths = past.groupby("unique_id").size()
    old = set(lengths[lengths >= SHORTEST_PAST].index)
    places = [at for at, one in enumerate(inputs.terms) if one.unique_id in old]
    terms = tuple(inputs.terms[at] for at in places)
    names = [one.unique_id for one in terms]
    past = past[past["unique_id"].isin(old)].reset_index(drop=True)
    end = pd.Timestamp(origin) + pd.Timedelta(days=step * periods)
    coming = frame[(frame["ds"] > pd.Timestamp(origin)) & (frame["ds"] <= end)]
    sold, recent = _known_sales(coming, names), _known_sales(past, names)[:, -RECENT:]
    demand = np.nan_to_num(sold).astype(np.int64)
    usual = np.nan_to_num(recent).sum(axis=1) / np.maximum((~np.isnan(recent)).sum(axis=1), 1)
    start = origin + timedelta(days=1)
    got = None if received is None else _window(received, inputs, origin, periods)[places]
    stock, arriving = _opening(terms, usual, demand, got)
    if received is not None and inputs.stock_known:
        stock = np.maximum(stock, _stock_then(inputs, origin, received)[places])
    events = calendar.agent_events(inputs.events)
    case = RunCase(
        title=f"{inputs.history.name} after {origin}",
        terms=terms,
        history=past.assign(ds=_agent_days(past["ds"], origin, step)),
        market=build_market(start, demand[:, None, :], terms, [events]),
        opening_stock=stock,
        opening_orders=arriving,
        recent=np.nan_to_num(recent).astype(np.int64),
        usual_demand=usual,
        closed_days=inputs.history.closed_days[inputs.history.closed_days <= pd.Timestamp(origin)],
        past_events=tuple(one for one in inputs.events if one.start <= origin),
        notes=(),
        inputs={inputs.history.name: inputs.history.digest},
    )
    lead = np.array([[one.lead_time] for one in terms])
    unknown = np.isnan(sold)
    scored = ~unknown & (np.arange(periods) >= lead)
    return OriginCase(case, past, origin, unknown, scored, got)


def _known_sales(frame: pd.DataFrame, names: Sequence[str]) -> FloatArray:
    """Return sales by item and period, (items, periods); NaN before an item's first, or sold out.

    What was sold on a period out of stock says only the least that demand was.
    """
    known = frame if "in_stock" not in frame else frame[frame["in_stock"]]
    table = known.pivot(index="unique_id", columns="ds", values="y")
    every = sorted(frame["ds"].unique())
    return np.asarray(table.reindex(index=list(names), columns=every).to_numpy(), dtype=np.float64)


def _agent_days(
    ds: "pd.Series[pd.Timestamp]", origin: date, step: int
) -> "pd.Series[pd.Timestamp]":
    """Return the days by which the agent counts periods: the origin's own day stays as it is."""
    last = pd.Timestamp(origin)
    return (last + (ds - last) // step).astype("datetime64[us]")


def _window(received: IntArray, inputs: PlanInputs, origin: date, periods: int) -> IntArray:
    """Return what was received in the periods after an origin, (all items, periods)."""
    first = received.shape[1] + inputs.calendar.periods_after(origin)
    return received[:, first : first + periods]


def _stock_then(inputs: PlanInputs, origin: date, received: IntArray) -> IntArray:
    """Return the stock at an origin that leads to today's by receipts and sales, (all items,)."""
    frame = inputs.history.frame
    after = frame[frame["ds"] > pd.Timestamp(origin)]
    sold = after.groupby("unique_id")["y"].sum()
    names = [one.unique_id for one in inputs.terms]
    since = received[:, received.shape[1] + inputs.calendar.periods_after(origin) :].sum(axis=1)
    sales = np.array([int(sold.get(name, 0)) for name in names])
    return np.asarray(np.array(inputs.on_hand) + sales - since, dtype=np.int64)


def _opening(
    terms: Sequence[ItemTerms], usual: FloatArray, demand: IntArray, got: IntArray | None
) -> tuple[IntArray, IntArray]:
    """Return the stock (items,) and deliveries under way (items, periods) that every policy has.

    Where receipts are known: the least stock with which the recorded sales were possible, and what
    had been ordered before the origin. Else usual demand until the first order of a policy arrives.
    """
    lead = np.array([one.lead_time for one in terms])
    if got is None:
        review = np.array([one.review_period for one in terms])
        return np.ceil(usual * (lead + review)).astype(np.int64), np.zeros_like(demand)
    missing = np.cumsum(demand, axis=1) - np.cumsum(got, axis=1)
    before = np.arange(demand.shape[1]) < lead[:, None]
    return np.maximum(missing.max(axis=1), 0), np.where(before, got, 0)
