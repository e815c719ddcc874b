"""Orders: listed, looked at, written out."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from streaming_production.api.answers import answer, page_answer
from streaming_production.api.api_app import problems
from streaming_production.api.context import here
from streaming_production.api.csv_export import CSV_RESPONSE, ROWS_A_PAGE, csv_answer
from streaming_production.api.order_schemas import (
    Order,
    OrderFilter,
    OrderPage,
    OrderPath,
    OrderQuery,
)
from streaming_production.storage import queries, rows
from streaming_production.web.problems import Problem

api = APIBlueprint("orders", __name__)


@api.get("/api/orders", responses={200: OrderPage, **problems()})
def list_orders(query: OrderQuery) -> Response:
    """List orders, newest first."""
    return page_answer(
        OrderPage, "orders", here().store.list_orders(queries.OrderQuery(**dict(query)))
    )


@api.get("/api/orders.csv", responses={200: CSV_RESPONSE, **problems()})
def export_orders(query: OrderFilter) -> Response:
    """Write all orders that fit as CSV, newest first."""
    context = here()

    def page(number: int) -> rows.Page[rows.OrderRow]:
        wanted = queries.OrderQuery(**dict(query), page=number, size=ROWS_A_PAGE)
        return context.store.list_orders(wanted)

    return csv_answer(Order, page, "orders.csv", context.exports)


@api.get("/api/orders/<order_id>", responses={200: Order, **problems(404)})
def show_order(path: OrderPath) -> Response:
    """Show an order and what became of it."""
    order = here().store.order(path.order_id)
    if order is None:
        raise Problem(404, f"there is no order {path.order_id!r}", code="no-such-order")
    return answer(Order, order)
