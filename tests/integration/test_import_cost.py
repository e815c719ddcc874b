"""Heavy libraries are loaded by the command that needs them, not by importing our modules."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "core_modules").rglob("*.py")
    if path.stem != "__init__"
)


@pytest.fixture(scope="module")
def loaded() -> dict[str, str]:
    """Library -> the module of ours that was the first to load it, in a Python of its own."""
    script = (
        "import importlib, sys\n"
        f"for ours in {MODULES}:\n"
        "    importlib.import_module(ours)\n"
        "    for heavy in ('matplotlib', 'plotly', 'prophet'):\n"
        "        if heavy in sys.modules: print(heavy, ours)\n"
    )
    printed = subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, timeout=120)
    return dict(reversed([line.split() for line in printed.decode().splitlines()]))


@pytest.mark.parametrize("library", ["matplotlib", "plotly", "prophet"])
def test_importing_our_modules_loads_no_heavy_library(library: str, loaded: dict[str, str]) -> None:
    assert library not in loaded, f"{library} is imported by {loaded[library]}"
