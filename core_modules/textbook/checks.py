"""What a published figure is compared with, and the verdict."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

How: TypeAlias = Literal["exact DP", "formula", "simulated"]

# The tolerances that `published_tables.json` states.
EXACT_MONEY = 0.005  # money a period, of an exact dynamic program
SIMULATED_MONEY = 0.02  # money a period, the least of a simulated cost
STANDARD_ERRORS = 3.0  # of a simulated cost
FIXED_COST_MONEY = 0.01  # money a period, with a fixed cost an order
REORDER_MONEY = 1e-3  # money a period, of an (s, S) policy
RELATIVE = 1e-4  # of the published figure, for formulae
ROUNDING = 1e-9  # of sums of whole numbers


@dataclass(frozen=True, slots=True)
class Check:
    """One published figure beside ours."""

    table: str  # its name in `published_tables.json`
    row: str  # the instance, for people
    quantity: str  # what the figure is
    published: float
    ours: float
    tolerance: float  # on the difference, >= 0
    how: How  # ours was found
    standard_error: float = 0.0  # of ours, where simulated
    published_error: float = 0.0  # standard error of the published figure, where it was simulated
    upper_bound: bool = False  # the published figure is one, so ours may be lower
    note: str = ""  # parameters of ours, for people

    @property
    def deviation(self) -> float:
        """Return ours less the published figure."""
        return self.ours - self.published

    @property
    def apart(self) -> float:
        """Return how far ours is off; less than a published upper bound is not off at all."""
        return max(self.deviation, 0.0) if self.upper_bound else abs(self.deviation)

    @property
    def agrees(self) -> bool:
        """Return whether ours is what was published, within the tolerance."""
        return self.apart <= self.tolerance

    @property
    def verdict(self) -> str:
        """Return `agrees` or `differs`.

        >>> Check("eoq", "EOQ", "cost", 68.41, 68.5, 0.01, "formula").verdict
        'differs'
        """
        return "agrees" if self.agrees else "differs"
