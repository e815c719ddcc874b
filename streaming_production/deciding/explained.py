"""A decision explained as the API tells it, made again or as far as the log remembers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core_modules.explaining.explanation import Explanation
from core_modules.item_terms import ItemTerms
from streaming_production.storage.rows import DecisionRow, by_name

# What a decision says of the evening, beside what every list of decisions shows.
FACTS = (
    "on_hand", "on_order", "reason_codes", "projected_stock", "unavoidable_risk",
    "service_target", "reorder_point", "order_up_to", "expected_demand", "believed_multiplier",
    "forecast_mean", "forecast_low", "forecast_high",
)  # fmt: skip


def explanation_parts(explanation: Explanation) -> dict[str, Any]:
    """Return curve, alternatives, flips and unknowns of a decision made again."""
    return {
        "curve": [by_name(point) for point in explanation.curve],
        "alternatives": [by_name(one) for one in explanation.alternatives],
        "flips": [flip.sentence for flip in explanation.flips],
        "not_known": list(explanation.not_known),
    }


def kept_parts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the log alone tells, where the inputs of a decision are gone."""
    chosen = facts["quantity"]
    curve = [
        {"quantity": quantity, "cost": cost, "chosen": quantity == chosen, "meets_target": True}
        for quantity, cost in facts["curve"]
    ]
    gone = "what the decision followed from is no longer kept, so it cannot be made again"
    return {"curve": curve, "alternatives": [], "flips": [], "not_known": [gone]}


def decision_detail(
    row: DecisionRow, facts: Mapping[str, Any], parts: Mapping[str, Any], terms: ItemTerms
) -> dict[str, Any]:
    """Join a decision's row, its facts and its explanation."""
    listed = by_name(row)
    del listed["seq"]
    return {
        **listed,
        **{name: facts[name] for name in FACTS},
        **parts,
        "accepted": accepted(terms),
    }


def accepted(terms: ItemTerms) -> dict[str, int | None]:
    """Return the quantities that the supplier takes."""
    return {"moq": terms.moq, "pack_size": terms.pack_size, "max_order": terms.max_order}
