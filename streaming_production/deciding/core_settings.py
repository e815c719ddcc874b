"""How the live agent's core runs: one frozen value, built at the edge and passed down."""

from dataclasses import dataclass
from pathlib import Path

from core_modules.forecasting.engines import Engine


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """What the core depends on beside its store."""

    supplier_url: str | None = None  # where orders are posted; None: they count as confirmed
    refit_every: int = 7  # closed days between refits of an item's demand model, >= 1
    jobs: int = 1  # processes, or threads of the batch engine, that fit demand models, >= 1
    engine: Engine = "prophet"  # what fits the patterns of demand
    forecast_cache: Path | None = None  # folder that keeps fits; None: none are kept
    start_worker: bool = True  # a process of its own fits demand models
    seed: int = 0  # of the uniforms behind the paths, >= 0
    review_cost: float = 1000.0  # money; expected regret above which a person is asked

    def __post_init__(self) -> None:
        for name, least in (("refit_every", 1), ("jobs", 1), ("seed", 0), ("review_cost", 0)):
            value = getattr(self, name)
            if not value >= least:
                raise ValueError(f"{name} must be >= {least}, got {value}")
