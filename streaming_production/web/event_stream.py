"""Long answers: Server-Sent Events and files, each holding a slot until its reader is gone."""

from collections.abc import Generator, Iterator, Mapping
from typing import Any

import orjson
from flask import Response, request

from streaming_production.web.limits import Slots

EVENT_STREAM = "text/event-stream; charset=utf-8"
HEARTBEAT = b": still here\n\n"
HEARTBEAT_SECONDS = 2.0


def sse_event(data: Any, *, event: str, number: int | None = None) -> bytes:
    r"""Return one event as it goes over the wire; JSON never holds a raw line break.

    >>> sse_event({"seq": 7}, event="change", number=7)
    b'id: 7\nevent: change\ndata: {"seq":7}\n\n'
    """
    head = b"" if number is None else b"id: %d\n" % number
    return b"%sevent: %s\ndata: %s\n\n" % (head, event.encode(), orjson.dumps(data))


class _HeldStream:
    """A stream that gives its slot back exactly once, read to its end or not."""

    def __init__(self, chunks: Generator[bytes], slots: Slots) -> None:
        self._chunks = chunks
        self._slots: Slots | None = slots

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks
        self.close()

    def close(self) -> None:
        self._chunks.close()
        if self._slots is not None:
            self._slots.free()
            self._slots = None


def stream_response(chunks: Generator[bytes], slots: Slots) -> Response:
    """Answer with a live stream of events that holds a slot as long as its reader stays.

    Raises:
        Problem: 503 when all slots are taken.
    """
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return held_response(chunks, slots, "live streams", EVENT_STREAM, headers)


def held_response(
    chunks: Generator[bytes],
    slots: Slots,
    what: str,
    content_type: str,
    headers: Mapping[str, str],
) -> Response:
    """Answer with chunks as they are made; `what` names them where no slot is free.

    Raises:
        Problem: 503 when all slots are taken.
    """
    if request.method == "HEAD":  # its answer is never read, so nobody would give a slot back
        return Response(content_type=content_type, headers=headers)
    slots.take(what)
    return Response(
        _HeldStream(chunks, slots),
        content_type=content_type,
        headers=headers,
        direct_passthrough=True,
    )
