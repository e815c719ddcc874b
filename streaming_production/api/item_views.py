"""Items: listed, looked at, changed; and how they come into the catalogue."""

import tempfile
from pathlib import Path
from typing import Any

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from pydantic import ValidationError
from werkzeug.datastructures import FileStorage

from core_modules.planning.plan_inputs import PlanFiles
from streaming_production.api.answers import answer, page_answer
from streaming_production.api.api_app import problems
from streaming_production.api.context import here
from streaming_production.api.item_documents import CATALOGUE_BODY
from streaming_production.api.item_schemas import (
    CatalogueChoice,
    ItemChange,
    ItemDetail,
    ItemPage,
    ItemPath,
    ItemQuery,
    Registered,
)
from streaming_production.api.request_checks import check_media_type, refuse, unknown_words
from streaming_production.storage import queries
from streaming_production.web.problems import Fault, Problem

FILES = ("sales", "stock", "items", "open_orders", "events")  # parts of a posted catalogue
api = APIBlueprint("items", __name__)


@api.get("/api/items", responses={200: ItemPage, **problems()})
def list_items(query: ItemQuery) -> Response:
    """List items, those first that need a person most."""
    return page_answer(ItemPage, "items", here().store.list_items(queries.ItemQuery(**dict(query))))


@api.get("/api/items/<path:unique_id>", responses={200: ItemDetail, **problems(404)})
def show_item(path: ItemPath) -> Response:
    """Show an item: stock, cover, forecast, open orders, last decision and its why."""
    return answer(ItemDetail, here().core.item_detail(path.unique_id))


@api.patch("/api/items/<path:unique_id>", responses={200: ItemDetail, **problems(404, 413, 415)})
def change_item(path: ItemPath, body: ItemChange) -> Response:
    """Change terms or settings of an item; open decisions keep those they were made with."""
    if body.terms is None and body.settings is None:
        raise Problem(422, "nothing to change: give terms or settings")
    core = here().core
    core.change_item(
        path.unique_id,
        terms=body.terms.model_dump(exclude_unset=True) if body.terms else None,
        settings=body.settings.model_dump(exclude_unset=True) if body.settings else None,
        who=body.who,
        why=body.why,
    )
    return answer(ItemDetail, core.item_detail(path.unique_id))


@api.post(
    "/api/catalogue",
    responses={202: Registered, **problems(409, 413, 415)},
    openapi_extensions=CATALOGUE_BODY,
)
def fill_catalogue() -> Response:
    """Register items: from a shipped profile of demand, or from a planner's own files."""
    media_type = check_media_type({"application/json", "multipart/form-data"})
    registered = _register_choice() if media_type == "application/json" else _register_files()
    return answer(Registered, registered, status=202)


def _register_choice() -> Any:
    try:
        choice = CatalogueChoice.model_validate_json(request.get_data(cache=False))
    except ValidationError as error:
        refuse(error, CatalogueChoice)
    return here().core.register_profile(
        choice.profile, choice.items, choice.seed, start=choice.start
    )


def _register_files() -> Any:
    parts = request.files
    faults = [
        Fault(name, unknown_words(name, FILES))
        for name in map(str, (*parts, *request.form))  # a part may come without a name
        if name not in FILES or name in request.form
    ]
    if "sales" not in parts:
        faults.append(Fault("sales", "is missing: a CSV file with unique_id, ds, y"))
    if faults:
        raise Problem(422, "the parts are not as they should be", errors=faults)
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: _kept(part, Path(folder) / name) for name, part in parts.items()}
        try:
            return here().core.register_files(PlanFiles(**paths))
        except ValueError as error:
            raise Problem(422, str(error).replace(f"{folder}/", "")) from None


def _kept(part: FileStorage, place: Path) -> Path:
    suffix = ".toml" if place.name == "events" else ".csv"
    path = place.with_suffix(suffix)
    part.save(path)
    return path
