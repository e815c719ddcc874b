"""An environment of its own for a library that cannot share ours, kept under results/."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def python_with(library: str) -> Path | None:
    """Return the Python of an environment that holds a library from PyPI; None: none was made."""
    folder = ROOT / "results" / "environments" / library
    python = folder / "bin" / "python"
    if not (folder / "whole").exists():
        steps = (
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [str(python), "-m", "pip", "install", "-q", library],
        )
        for step in steps:
            done = subprocess.run(step, capture_output=True, text=True, check=False)
            if done.returncode:
                print(done.stderr.strip(), file=sys.stderr)
                return None
        (folder / "whole").touch()
    return python
