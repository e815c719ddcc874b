"""Forecasting, simulation and decisions of the inventory manager, without any service around."""

from pathlib import Path

from core_modules.compiled_cache import drop_stale_code

drop_stale_code(Path(__file__).parent)
