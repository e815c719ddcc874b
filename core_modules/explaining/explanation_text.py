"""An explanation as lines for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core_modules.reporting.report_wording import plural

if TYPE_CHECKING:
    from core_modules.explaining.explanation import Alternative, CurvePoint, Explanation

BAR = 40  # characters of the dearest quantity's bar


def explanation_lines(explanation: Explanation) -> list[str]:
    """Return the lines that say everything of a decision."""
    decision = explanation.decision
    what = f"order {plural(decision.quantity, 'unit')}" if decision.quantity else "order nothing"
    due = f", expected on {decision.due.isoformat()}" if decision.due else ""
    chance = f"knowing demand would save {decision.expected_regret:,.2f}"
    return [
        f"{what}{due}, urgency {decision.urgency.value}",
        decision.reason,
        f"rule: {decision.rule}; because of: {', '.join(decision.reason_codes) or 'nothing'}",
        f"expected cost {decision.expected_cost:,.2f}; {chance}",
        f"review by a person: {decision.review_reason or 'not needed'}",
        "",
        "expected cost by quantity (* the one chosen, - short of the service target)",
        *_curve(explanation.curve),
        "",
        "next best",
        *[f"  {_alternative(one)}" for one in explanation.alternatives],
        "",
        "smallest changes that make another decision of it",
        *_flips(explanation),
        "",
        "not known",
        *[f"  {line}" for line in explanation.not_known],
    ]


def _curve(curve: tuple[CurvePoint, ...]) -> list[str]:
    dearest = max(point.cost for point in curve)
    least = min(point.cost for point in curve)
    width = max(dearest - least, 1e-9)
    lines = []
    for point in curve:
        mark = "*" if point.chosen else " " if point.meets_target else "-"
        bar = "#" * round(BAR * (point.cost - least) / width)
        lines.append(f"  {mark} {point.quantity:>9,} {point.cost:>14,.2f} {bar}".rstrip())
    return lines


def _alternative(one: Alternative) -> str:
    what = plural(one.quantity, "unit") if one.quantity else "no order"
    more = "more" if one.extra_cost >= 0 else "less"
    target = "" if one.meets_target else ", short of the service target"
    return f"{what}: {abs(one.extra_cost):,.2f} {more}{target}"


def _flips(explanation: Explanation) -> list[str]:
    if not explanation.flips:
        return ["  none within a factor of 8 of any single input"]
    smallest = explanation.smallest_flip
    return [
        f"  {flip.sentence} ({flip.relative:+.0%}{', the smallest' if flip is smallest else ''})"
        for flip in explanation.flips
    ]
