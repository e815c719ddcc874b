"""What an item's supplier has shown: its finished orders as receipts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from core_modules.item_terms import ItemTerms
from core_modules.learning.event_kinds import KIND_PRIORS
from core_modules.learning.supplier_record import Receipt, SupplierRecord
from core_modules.market_scenarios import affecting
from streaming_production.deciding.signal_book import SignalBook
from streaming_production.storage.queries import OrderQuery
from streaming_production.storage.rows import OrderRow
from streaming_production.store import Store

PAGE = 500  # orders read at once


def supplier_records(
    store: Store,
    terms: Sequence[ItemTerms],
    records: Sequence[SupplierRecord | None],
    after: date,
    last: date,
    book: SignalBook,
) -> list[SupplierRecord | None]:
    """Add the orders finished after a day, up to `last`, to what is known of each supplier."""
    wanted = {one.unique_id for one in terms}
    finished: dict[str, list[OrderRow]] = {}
    for order in _received(store):
        done = order.received_day
        if order.unique_id in wanted and done is not None and after < done <= last:
            finished.setdefault(order.unique_id, []).append(order)
    return [
        _learned(record, one, finished.get(one.unique_id, []), book)
        for one, record in zip(terms, records, strict=True)
    ]


def _received(store: Store) -> Iterator[OrderRow]:
    page = 1
    while rows := store.list_orders(OrderQuery(status="received", page=page, size=PAGE)).rows:
        yield from rows
        page += 1


def _learned(
    record: SupplierRecord | None, terms: ItemTerms, orders: Sequence[OrderRow], book: SignalBook
) -> SupplierRecord | None:
    for order in sorted(orders, key=lambda one: (one.received_day, one.order_id)):
        done = order.received_day
        if done is None or _disturbed(order.placed_day, terms.unique_id, book):
            continue  # what comes late and short then is the event's doing
        days = max((done - order.placed_day).days, 1)
        receipt = Receipt(order.quantity, order.received, days if order.received else None)
        record = (record or SupplierRecord(terms.lead_time)).observe(receipt)
    return record


def _disturbed(day: date, unique_id: str, book: SignalBook) -> bool:
    """Tell whether a known event acted on the supply of an item on a day."""
    return any(
        signal.start <= day
        and (
            signal.supplier_shut
            or bool(signal.lead_time_extra)
            or (signal.filled_share is not None and signal.filled_share < 1)
            or KIND_PRIORS[signal.kind].lead_time_extra > 0
        )
        for signal in affecting(book.on(day), unique_id)
    )
