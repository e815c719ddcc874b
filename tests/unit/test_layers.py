"""The core stays pure: no forecaster, picture, service, log or clock in it, however indirectly."""

import ast
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[2] / "core_modules"
PURE = [
    "inventory",
    "inventory_agent",
    "market_scenarios",
    "performance_analytics",
    "replenishment_policies",
    "simulation",
]
FOREIGN = {"flask", "logging", "matplotlib", "plotly", "prophet", "random", "requests", "time"}


def imported_names(source: str) -> set[str]:
    """Return the full name of everything imported anywhere in a source, inside functions too.

    >>> sorted(imported_names("import a.b; from core_modules import c; from d import e"))
    ['a.b', 'core_modules', 'core_modules.c', 'd', 'd.e']
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def source_of(module: str) -> Path:
    """Return the file of a module of ours, named below `core_modules`."""
    return CORE / f"{module.replace('.', '/')}.py"


def foreign_imports(module: str, path: tuple[str, ...] = ()) -> list[str]:
    """Return the chains of imports that lead from a core module to something it may not know."""
    names = imported_names(source_of(module).read_text(encoding="utf-8"))
    chain = (*path, module)
    found: list[str] = []
    for name in sorted(names):
        package, _, own = name.partition(".")
        if package in FOREIGN:
            found.append(" -> ".join([*chain, name]))
        if (
            package == "core_modules"
            and own not in chain
            and (CORE / f"{own.replace('.', '/')}.py").exists()
        ):
            found += foreign_imports(own, chain)
    return found


@pytest.mark.parametrize("module", PURE)
def test_the_pure_core_knows_no_service_log_or_clock(module: str) -> None:
    assert foreign_imports(module) == []
