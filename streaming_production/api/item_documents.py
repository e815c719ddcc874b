"""How the catalogue's two kinds of body are described in the API's document."""

from typing import Any

from streaming_production.api.item_schemas import CatalogueChoice

_FILE = {"type": "string", "contentMediaType": "text/csv"}

CATALOGUE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/CatalogueChoice"},
                "example": {"profile": "m5_foods3_tx3", "items": 25},
            },
            "multipart/form-data": {"schema": {"$ref": "#/components/schemas/CatalogueFiles"}},
        },
    }
}
CATALOGUE_SCHEMAS: dict[str, Any] = {
    "CatalogueChoice": CatalogueChoice.model_json_schema(),
    "CatalogueFiles": {
        "type": "object",
        "description": "A planner's own files, as the command `plan` reads them.",
        "properties": {
            "sales": _FILE | {"description": "unique_id, ds, y and optionally in_stock, price"},
            "stock": _FILE | {"description": "unique_id, on_hand"},
            "items": _FILE | {"description": "unique_id and any terms"},
            "open_orders": _FILE | {"description": "unique_id, due, quantity"},
            "events": {
                "type": "string",
                "contentMediaType": "application/toml",
                "description": "known events, as a scenario calendar",
            },
        },
        "required": ["sales"],
        "additionalProperties": False,
        "example": {
            "sales": "unique_id,ds,y\nmilk,2024-03-01,12\nmilk,2024-03-02,9\n",
            "stock": "unique_id,on_hand\nmilk,40\n",
        },
    },
}
