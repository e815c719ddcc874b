"""How events are described in the API's document: their schemas and examples."""

from typing import Any

from streaming_production.events import EXTERNAL_EVENT

_REFERENCE = "#/components/schemas/{model}"
_SCHEMA: dict[str, Any] = EXTERNAL_EVENT.json_schema(ref_template=_REFERENCE)

SALE = {
    "specversion": "1.0",
    "id": "till-3/2024-03-01/0815",
    "source": "/shops/berlin/tills/3",
    "type": "sale.recorded",
    "subject": "Electronics_DEMO_ITEM",
    "time": "2024-03-01T12:00:00+01:00",
    "data": {"quantity": 5, "price": 49.9},
}
CLOSING = {
    "specversion": "1.0",
    "id": "till-3/2024-03-01/closed",
    "source": "/shops/berlin/tills/3",
    "type": "day.closed",
    "time": "2024-03-01T21:00:00+01:00",
    "data": {"day": "2024-03-01"},
}
_ONE = {"$ref": "#/components/schemas/InventoryEvent"}
_BATCH = {"type": "array", "items": _ONE, "maxItems": 10_000}

EVENT_SCHEMAS: dict[str, Any] = {
    **_SCHEMA.get("$defs", {}),
    "InventoryEvent": {name: part for name, part in _SCHEMA.items() if name != "$defs"},
}
EVENTS_BODY: dict[str, Any] = {
    "parameters": [
        {
            "name": "Spool-Size",
            "in": "header",
            "required": False,
            "description": "events that the sender still holds back; shown in the status",
            "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999_999},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/cloudevents+json": {"schema": _ONE, "example": SALE},
            "application/cloudevents-batch+json": {"schema": _BATCH, "example": [SALE, CLOSING]},
            "application/json": {"schema": {"anyOf": [_ONE, _BATCH]}, "example": SALE},
        },
    },
}
STREAM_RESPONSE: dict[str, Any] = {
    "description": (
        "events `hello`, `change` (one of the log) and `refresh` (too many changes to tell: load "
        "afresh); a comment at least every 2 seconds"
    ),
    "content": {
        "text/event-stream": {
            "schema": {  # of each event in it
                "type": "object",
                "required": ["event", "data"],
                "additionalProperties": False,
                "properties": {
                    "id": {"type": "string", "description": "the event's number in the log"},
                    "event": {"enum": ["hello", "change", "refresh"]},
                    "data": {"type": "string", "contentMediaType": "application/json"},
                },
            },
            "example": 'id: 7\nevent: change\ndata: {"seq":7,"type":"sale.recorded"}\n\n',
        }
    },
}
