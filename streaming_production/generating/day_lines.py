"""What the generator says: one readable line a day, and what a person has to know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from rich.console import Console

from core_modules.market_scenarios import NORMAL_OPERATIONS
from core_modules.reporting.report_wording import plural
from streaming_production.generating.agent_view import DayAnswer


@dataclass(frozen=True, slots=True)
class DayLine:
    """What is told of one day."""

    day: date
    label: str  # the day's scenario
    demand: int  # units asked for
    unmet: int | None  # units not served; None: not known while the agent is away
    events: int  # written
    answer: DayAnswer | None  # None: the agent has not decided yet
    waiting: int  # batches in the spool
    away: str  # why the agent cannot be reached; empty while it can

    def text(self) -> str:
        """Return the line, in columns that stay under each other."""
        label = "-" if self.label == NORMAL_OPERATIONS else self.label
        unmet = "?" if self.unmet is None else f"{self.unmet:,}"
        return (
            f"{self.day:%Y-%m-%d %a}  {label:<28} demand {self.demand:>7,}  unmet {unmet:>5}  "
            f"events {self.events:>5,}  {self._agent()}"
        )

    def _agent(self) -> str:
        if self.away:
            return f"spool {self.waiting:,}: {self.away}"
        if self.answer is None:
            return "still deciding"
        orders, waiting = self.answer.orders, self.answer.waiting
        said = plural(orders, "order")
        if orders:
            said += f" ({plural(self.answer.units, 'unit')})"
        return said + (f", {waiting} waiting for approval" if waiting else "")


class Speaker:
    """Prints lines for people: coloured on a terminal, plain elsewhere, and never asks."""

    def __init__(self) -> None:
        self._out = Console(highlight=False, soft_wrap=True)
        self._loud = Console(highlight=False, soft_wrap=True, stderr=True)

    def day(self, line: DayLine) -> None:
        """Tell one day."""
        colour = "yellow" if line.away else "default"
        if line.label != NORMAL_OPERATIONS and not line.away:
            colour = "cyan"
        self._out.print(line.text(), style=colour, markup=False)

    def note(self, text: str) -> None:
        """Tell something in passing."""
        self._out.print(text, markup=False)

    def warn(self, lines: Sequence[str]) -> None:
        """Tell what somebody has to look at."""
        for line in lines:
            self._loud.print(line, style="bold red", markup=False)
