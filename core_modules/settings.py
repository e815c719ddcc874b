"""The settings of a run: one frozen value, built at the command line and passed down."""

from dataclasses import dataclass, field
from datetime import date

import numpy as np

from core_modules.inventory_agent import AgentSettings

REFERENCE_START = date(2024, 1, 1)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run depends on beside its input files."""

    seed: int = 0  # >= 0; every random draw follows from it
    days: int = 180  # length of the run, >= 1
    scenarios: str = "original"  # a calendar's name, or a TOML file of events
    refit_every: int = 7  # days between refits of the demand models, >= 1
    backorders: bool = False  # demand that cannot be served waits instead of being lost
    currency: str = "$"
    jobs: int = 2  # processes that fit demand models, >= 1; no figure depends on it
    agent: AgentSettings = field(default_factory=AgentSettings)

    def __post_init__(self) -> None:
        for name, least in (("seed", 0), ("days", 1), ("refit_every", 1), ("jobs", 1)):
            value = getattr(self, name)
            if value < least:
                raise ValueError(f"{name} must be >= {least}, got {value}")


@dataclass(frozen=True, slots=True)
class Streams:
    """Random streams of one replication; each source has its own, so none shifts another."""

    events: np.random.Generator
    demand: np.random.Generator


def streams(seed: int) -> Streams:
    """Return the streams of one replication."""
    events, demand = np.random.SeedSequence(seed).spawn(2)
    return Streams(np.random.default_rng(events), np.random.default_rng(demand))
