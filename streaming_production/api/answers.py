"""How answers are written: through their schema, so that they are what the document says."""

from typing import Any

from flask import Response

from streaming_production.api.shared_schemas import Answer
from streaming_production.storage.rows import Page
from streaming_production.web.problems import JSON


def answer(schema: type[Answer], content: Any, status: int = 200) -> Response:
    """Answer with a row, a value or a dict as `schema` has it."""
    body = schema.model_validate(content).model_dump_json()
    return Response(body, status=status, content_type=JSON)


def page_answer(schema: type[Answer], name: str, page: Page[Any]) -> Response:
    """Answer with one page of a list under `name`."""
    return answer(
        schema, {name: page.rows, "page": page.page, "size": page.size, "total": page.total}
    )
