"""What the agent does about a market signal, in words."""

from __future__ import annotations

from core_modules.agent_rules import RULES
from core_modules.market_events import EventKind
from streaming_production.storage.rows import SignalRow


def response(signal: SignalRow, decisions: int, orders: int) -> str:
    """Say what the agent does, or did; `decisions` and `orders` were made under its rule.

    >>> _rule_says(EventKind.PROMOTION)
    'stock is built up for the promotion'
    """
    if signal.status == "withdrawn":
        return "withdrawn; the agent has forgotten it, and trusts its source less"
    says = _rule_says(signal.kind)
    if signal.status == "ended":
        return f"over; what it did is remembered for the next one ({_made(decisions, orders)})"
    if signal.status == "announced" and decisions == 0:
        return f"prepared for as soon as an order would arrive in time: {says}"
    return f"{says} ({_made(decisions, orders)})"


def rule_name(kind: EventKind) -> str:
    """Return the rule that a kind of event calls for."""
    return next(rule.name for rule in RULES if kind in rule.kinds)


def _rule_says(kind: EventKind) -> str:
    return next(rule.says for rule in RULES if kind in rule.kinds)


def _made(decisions: int, orders: int) -> str:
    if decisions == 0:
        return "no decision under it yet"
    words = f"{decisions:,} decision{'s' if decisions != 1 else ''}"
    return f"{words} under its rule, {orders:,} order{'s' if orders != 1 else ''}"
