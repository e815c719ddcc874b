"""What the core refuses, each with a code that the API tells."""

from streaming_production.store import RuleBroken

__all__ = ["NoForecast", "NotAccepted", "NotPossible", "UnknownDecision"]


class NoForecast(RuleBroken):
    """There is no forecast to decide by yet."""

    def __init__(self, unique_id: str) -> None:
        super().__init__(
            "no_forecast",
            f"there is no forecast for {unique_id!r} yet: try again when the service is ready",
        )


class NotAccepted(RuleBroken):
    """A quantity that the supplier does not accept."""

    def __init__(self, message: str) -> None:
        super().__init__("quantity", message)


class NotPossible(RuleBroken):
    """Something asked for that cannot be done, with the reason and how to mend it."""

    def __init__(self, message: str) -> None:
        super().__init__("not_possible", message)


class UnknownDecision(RuleBroken):
    """There is no such decision."""

    def __init__(self, decision_id: str) -> None:
        super().__init__("unknown_decision", f"there is no decision {decision_id!r}")
