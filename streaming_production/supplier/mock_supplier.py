"""A small supplier to try the outbox on: takes orders by key, and behaves badly if asked to.

`python -m streaming_production.supplier.mock_supplier --port 5003`
"""

import sys
from pathlib import Path

if not __package__:
    # Started as a script: the repository root stands for this folder.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import logging
import signal
import socket
import threading
import time
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import typer
from flask import Flask, Response, jsonify, request
from waitress.server import create_server

from streaming_production.supplier.order_book import (
    OrderBook,
    SlipError,
    TakenKeyError,
)


@dataclass(frozen=True, slots=True)
class Faults:
    """How badly the supplier behaves; shares of the posted orders."""

    fail_share: float = 0.0  # answered 503, the order not taken
    lose_answer_share: float = 0.0  # taken, and the answer breaks off
    delay: float = 0.0  # seconds before every answer
    seed: int = 0


def create_app(book: OrderBook, faults: Faults | None = None) -> Flask:
    """Return the supplier as an app over its book."""
    faults = faults or Faults()
    app = Flask(__name__)
    rng, luck = np.random.default_rng(faults.seed), threading.Lock()

    @app.post("/orders")
    def post_order() -> Response | tuple[dict[str, Any], int]:
        time.sleep(faults.delay)
        with luck:
            chance = float(rng.random())
        if chance < faults.fail_share:
            return {"detail": "the warehouse system is down"}, 503
        try:
            order, new = book.take(
                request.headers.get("Idempotency-Key"), request.get_json(silent=True)
            )
        except SlipError as error:
            return {"detail": str(error)}, 422
        except TakenKeyError as error:
            return {"detail": str(error)}, 409
        if chance < faults.fail_share + faults.lose_answer_share:
            return _broken_off(order)
        return order, 201 if new else 200

    @app.get("/orders")
    def list_orders() -> dict[str, Any]:
        return {"orders": book.all()}

    @app.get("/orders/<order_id>")
    def get_order(order_id: str) -> tuple[dict[str, Any], int]:
        order = book.get(order_id)
        return (order, 200) if order else ({"detail": f"there is no order {order_id}"}, 404)

    @app.get("/healthz")
    def healthz() -> dict[str, Any]:
        return {"status": "running", "orders": len(book.all())}

    return app


def _broken_off(order: dict[str, Any]) -> Response:
    """Promise more bytes than there are: the server closes the connection in mid-answer."""
    answer = jsonify(order)
    answer.headers["Content-Length"] = str(len(answer.get_data()) + 1000)
    return answer


def main(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 5003,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    lead_time: Annotated[
        int | None, typer.Option(help="Days from order to arrival; by default as asked for.")
    ] = None,
    fail_share: Annotated[float, typer.Option(help="Share of orders answered 503.")] = 0.0,
    lose_answer_share: Annotated[
        float, typer.Option(help="Share of orders taken whose answer breaks off.")
    ] = 0.0,
    delay: Annotated[float, typer.Option(help="Seconds before every answer.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the faults.")] = 0,
    keep: Annotated[
        Path | None, typer.Option(help="File that keeps the orders over a restart.")
    ] = None,
) -> None:
    """Take orders over HTTP until stopped."""
    app = create_app(OrderBook(keep, lead_time), Faults(fail_share, lose_answer_share, delay, seed))
    # An answer that breaks off is meant to; the server need not complain of it.
    logging.getLogger("waitress").setLevel(logging.ERROR)
    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        told = f"cannot listen on {host}:{port}: {error.strerror}; choose another --port"
        typer.echo(told, err=True)
        raise typer.Exit(2) from error
    server = create_server(app, sockets=[listening], threads=4)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.close())
    typer.echo(f"mock supplier on http://{host}:{listening.getsockname()[1]}")
    server.run()


if __name__ == "__main__":
    typer.run(main)
