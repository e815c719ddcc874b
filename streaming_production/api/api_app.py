"""The Flask app of the API, which documents itself as OpenAPI 3.1."""

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from pydantic import BaseModel

from streaming_production.api.request_checks import TextRequest, refuse
from streaming_production.web.problems import JSON, PROBLEM_JSON

DOCUMENT = "/openapi/openapi.json"


class ProblemBody(BaseModel):
    """What is answered when something is wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list["FaultBody"] = []


class FaultBody(BaseModel):
    """What is wrong with one place of a request."""

    pointer: str
    message: str
    index: int | None = None


# What any request may be answered with: a wrong host name or token, a client too fast, a store
# that cannot be read, a header that no server takes.
ALWAYS = (400, 401, 403, 421, 422, 429, 500, 503)


def problems(*statuses: int) -> dict[str | int, Any]:
    """Return the documentation of the problems that a path answers with, the usual ones too."""
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
    return {status: {"content": content} for status in sorted({*ALWAYS, *statuses})}


class ApiApp(OpenAPI):
    """A Flask app with an OpenAPI document at /openapi/openapi.json."""

    request_class = TextRequest

    def __init__(self, name: str, info: Info, *, docs_page: bool, **options: Any) -> None:
        super().__init__(
            name,
            info=info,
            validation_error_model=ProblemBody,
            validation_error_callback=refuse,
            doc_ui=docs_page,
            security_schemes={"bearer": {"type": "http", "scheme": "bearer"}},
            # Either: without tokens in the settings, everybody on this machine may come in.
            openapi_extensions={"security": [{"bearer": []}, {}]},
            **options,
        )
        self._further_schemas: dict[str, Any] = {}
        self._document = b""
        # An item's id may hold slashes, even two in a row.
        self.url_map.merge_slashes = False
        if not docs_page:
            self.add_url_rule(DOCUMENT, "document", lambda: Response(self._document, mimetype=JSON))

    def finish_document(self, schemas: Mapping[str, Any]) -> None:
        """Write the document, once all views are there.

        `schemas` are those that no pydantic model of a view brings along; the library's own schema
        class would lose keywords of them. Made at the first request instead, it would be seen half
        done by the second.
        """
        self._further_schemas.update(schemas)
        self._document = orjson.dumps(self.api_doc)

    def generate_spec_json(self) -> None:
        """Make the document as values."""
        super().generate_spec_json()  # type: ignore[no-untyped-call]  # not typed there
        self.spec_json["components"]["schemas"].update(self._further_schemas)
