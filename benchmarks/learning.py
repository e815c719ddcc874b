"""Shows what each part of learning is worth: stockouts, event kinds, signal sources, suppliers.

    python benchmarks/learning.py [censored|events|sources|supplier ...]

Each experiment prints one table and takes about half a minute; seeds are fixed.
"""

import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import time

from benchmarks import learning_censored, learning_events, learning_sources, learning_supplier

EXPERIMENTS = {
    "censored": learning_censored.main,
    "events": learning_events.main,
    "sources": learning_sources.main,
    "supplier": learning_supplier.main,
}


def main() -> int:
    """Run the experiments asked for, by default all; return the worst exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help="; ".join(EXPERIMENTS))
    names = parser.parse_args().names or list(EXPERIMENTS)
    unknown = [name for name in names if name not in EXPERIMENTS]
    if unknown:
        parser.error(f"there is no experiment {unknown[0]!r}: use {', '.join(EXPERIMENTS)}")
    worst = 0
    for name in names:
        began = time.perf_counter()
        worst = max(worst, EXPERIMENTS[name]())
        print(f"{time.perf_counter() - began:.0f} s\n")
    return worst


if __name__ == "__main__":
    sys.exit(main())
