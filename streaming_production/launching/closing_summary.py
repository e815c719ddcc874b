"""What the demo says at its end: the key figures, the orders, and whether the books are right."""

from collections.abc import Iterator
from typing import Any

from core_modules.reporting.report_wording import plural
from streaming_production.generating.agent_client import AgentClient

MOST_DAYS = 1000  # of figures that the agent tells at once


def closing_lines(client: AgentClient) -> Iterator[str]:
    """Yield the lines of the summary.

    Raises AgentAwayError or AgentRefusedError where the agent does not tell.
    """
    figures = client.get("/api/kpis", days=MOST_DAYS)
    totals = figures["totals"]
    yield f"business day {figures['today'] or 'none yet'}, {plural(totals['items'], 'item')}"
    yield (
        f"  service level {_share(totals['service_level'])}, fill rate "
        f"{_share(totals['fill_rate'])}, profit {totals['profit']:,.0f}, "
        f"revenue {totals['revenue']:,.0f}"
    )
    yield (
        f"  {plural(totals['units_on_hand'], 'unit')} on hand worth {totals['stock_value']:,.0f}; "
        f"{plural(totals['orders_placed'], 'order')} placed, {totals['open_orders']} still open"
    )
    yield (
        f"  {plural(totals['decisions'], 'decision')}, "
        f"{_share(totals['autonomous_share'])} taken alone, "
        f"{totals['waiting']} waiting for approval"
    )
    yield _checked(client.get("/api/self-check"))


def _checked(check: dict[str, Any]) -> str:
    if check["ok"]:
        return "  self-check: stock, orders and decisions are what the event log says"
    return f"  self-check: {len(check['differences'])} DIFFERENCES from the event log"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
