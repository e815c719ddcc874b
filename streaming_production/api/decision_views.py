"""Decisions: listed, explained, made now, answered; and the dry run."""

from typing import Literal

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from streaming_production.api.answers import answer, page_answer
from streaming_production.api.api_app import problems
from streaming_production.api.context import here
from streaming_production.api.csv_export import CSV_RESPONSE, ROWS_A_PAGE, csv_answer
from streaming_production.api.decision_schemas import (
    Approval,
    DecideNow,
    DecisionDetail,
    DecisionFilter,
    DecisionPage,
    DecisionPath,
    DecisionQuery,
    DecisionRow,
    Override,
    Rejection,
    WhatIfAnswer,
    WhatIfQuestion,
)
from streaming_production.storage import queries, rows

Verdict = Literal["approve", "reject", "override"]
ANSWERED = {200: DecisionRow, **problems(404, 409, 413, 415)}
api = APIBlueprint("decisions", __name__)


@api.get("/api/decisions", responses={200: DecisionPage, **problems()})
def list_decisions(query: DecisionQuery) -> Response:
    """List decisions, newest first."""
    page = here().store.list_decisions(queries.DecisionQuery(**dict(query)))
    return page_answer(DecisionPage, "decisions", page)


@api.get("/api/decisions.csv", responses={200: CSV_RESPONSE, **problems()})
def export_decisions(query: DecisionFilter) -> Response:
    """Write all decisions that fit as CSV, newest first."""
    context = here()

    def page(number: int) -> rows.Page[rows.DecisionRow]:
        wanted = queries.DecisionQuery(**dict(query), page=number, size=ROWS_A_PAGE)
        return context.store.list_decisions(wanted)

    return csv_answer(DecisionRow, page, "decisions.csv", context.exports)


@api.get("/api/decisions/<decision_id>", responses={200: DecisionDetail, **problems(404)})
def show_decision(path: DecisionPath) -> Response:
    """Explain a decision: its figures, its cost curve, the alternatives, what would flip it."""
    return answer(DecisionDetail, here().core.explain_decision(path.decision_id))


@api.post("/api/decisions", responses={201: DecisionDetail, **problems(404, 409, 413, 415)})
def decide_now(body: DecideNow) -> Response:
    """Decide for an item now, outside its review."""
    core = here().core
    made = core.decide_now(body.unique_id)
    return answer(DecisionDetail, core.explain_decision(made.decision_id), status=201)


@api.post("/api/decisions/<decision_id>/approve", responses=ANSWERED)
def approve(path: DecisionPath, body: Approval) -> Response:
    """Order what a waiting decision proposes."""
    return _answered(path, "approve", body.who, body.why, None)


@api.post("/api/decisions/<decision_id>/reject", responses=ANSWERED)
def reject(path: DecisionPath, body: Rejection) -> Response:
    """Order nothing of what a waiting decision proposes."""
    return _answered(path, "reject", body.who, body.why, None)


@api.post("/api/decisions/<decision_id>/override", responses=ANSWERED)
def override(path: DecisionPath, body: Override) -> Response:
    """Order another quantity than a waiting decision proposes."""
    return _answered(path, "override", body.who, body.why, body.quantity)


@api.post("/api/what-if", responses={200: WhatIfAnswer, **problems(404, 409, 413, 415)})
def what_if(body: WhatIfQuestion) -> Response:
    """Say what would be decided if things were otherwise; nothing is stored."""
    return answer(WhatIfAnswer, here().core.what_if(**body.model_dump()))


def _answered(
    path: DecisionPath,
    verdict: Literal["approve", "reject", "override"],
    who: str,
    why: str,
    quantity: int | None,
) -> Response:
    row = here().core.answer_decision(path.decision_id, verdict, who, why, quantity)
    return answer(DecisionRow, row)
