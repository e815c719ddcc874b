"""What fits the patterns of demand."""

from typing import Literal

Engine = Literal["prophet", "batch"]  # Prophet itself, or its model for all items at once
