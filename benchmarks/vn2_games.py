"""Plays nine 8-week games of the VN2 challenge in its history: this project and its benchmark.

    python benchmarks/vn2_games.py [--games N] [--jobs N] [--cache FOLDER] [--json]

Rules: an order placed at the end of week X arrives at the start of week X + 3; lost sales; a unit
left at the end of a week costs 0.2, a unit lost 1.0; items that sold 5 units or more in the 13
weeks before a game; weeks out of stock are not scored and sell nothing. Weekly sales are published
to both, as to all players of the challenge, whatever their own stock. Nothing that is ordered in a
game arrives before its third week, so the first two cost both the same: they count, and the cost of
the six others stands beside. Stock and deliveries under way at the start come of 13 weeks of the
benchmark policy, which begin with its order-up-to level on the shelf and nothing under way.

The games follow one another, and the last ends with the last week, 2024-04-08. The critical ratio
is tuned on the first six; the last three are reported, with a bootstrap over items.
"""

import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.vn2_history import History, read_history
from benchmarks.vn2_policies import (
    LEAD_TIME,
    Policy,
    benchmark_policy,
    path_forecast,
    quantile_order,
)

FloatArray = NDArray[np.float64]

GAMES, TUNED, WEEKS = 9, 6, 8
FEWEST_UNITS = 5  # sold in the 13 weeks before a game by an item that is scored
RUN_IN = 13  # weeks of the benchmark policy before a game
HOLDING, LOST = 0.2, 1.0  # a unit
RATIOS = (0.72, 0.735, 0.75, 0.765, 0.78, 0.795, 0.81, 0.825, 0.84)
RESAMPLES = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Stock:
    """What the items have, and what is due at the start of the next two weeks."""

    on_hand: FloatArray  # (items,) units
    due: FloatArray  # (items, 2) units


def play(
    history: History, first: int, weeks: int, stock: Stock, policy: Policy
) -> tuple[FloatArray, Stock]:
    """Play `weeks` weeks from place `first`; return costs (items, weeks) and the stock after.

    The policy orders on the evening before each week but the first of what follows.
    """
    on_hand, due = stock.on_hand, stock.due
    costs = np.zeros((on_hand.size, weeks))
    for week in range(weeks):
        ordered = policy(first + week, on_hand, due)
        demand = history.units[:, first + week]
        on_hand = on_hand + due[:, 0]
        sold = np.fmin(on_hand, np.nan_to_num(demand))
        on_hand = on_hand - sold
        due = np.column_stack([due[:, 1], ordered])
        cost = HOLDING * on_hand + LOST * (demand - sold)
        costs[:, week] = np.nan_to_num(cost)
    return costs, Stock(on_hand, due)


@dataclass(frozen=True, slots=True, eq=False)
class Game:
    """One game's start."""

    first: int  # place of its first week
    scored: NDArray[np.bool_]  # (items,) that sell enough
    stock: Stock


def games(history: History, policy: Policy) -> list[Game]:
    """Return the games at the end of the history, their stock left by `policy`."""
    weeks = history.units.shape[1]
    found = []
    for first in range(weeks - GAMES * WEEKS, weeks, WEEKS):
        recent = np.nansum(history.units[:, first - 13 : first], axis=1)
        found.append(Game(first, recent >= FEWEST_UNITS, _run_in(history, first, policy)))
    return found


def _run_in(history: History, first: int, policy: Policy) -> Stock:
    """Return the stock on the evening before a game, its first order not yet placed."""
    items = history.ids.size
    empty = np.zeros(items)
    full = policy(first - RUN_IN, empty, np.zeros((items, 2)))
    return play(history, first - RUN_IN, RUN_IN, Stock(full, np.zeros((items, 2))), policy)[1]


def game_costs(history: History, game: Game, policy: Policy) -> FloatArray:
    """Return the costs of a game by item and week, 0 for items not scored, (items, weeks)."""
    last = game.first + WEEKS - LEAD_TIME  # what is ordered later arrives after the game

    def while_it_counts(place: int, on_hand: FloatArray, due: FloatArray) -> FloatArray:
        return policy(place, on_hand, due) if place <= last else np.zeros_like(on_hand)

    costs, _ = play(history, game.first, WEEKS, game.stock, while_it_counts)
    return costs * game.scored[:, None]


def bootstrap(ours: FloatArray, theirs: FloatArray) -> tuple[float, float]:
    """Return the 95 % interval of the ratio of summed costs, items (items,) drawn anew."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, ours.size, (RESAMPLES, ours.size))
    low, high = np.quantile(ours[drawn].sum(axis=1) / theirs[drawn].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    """Tune the ratio on the first games and print every game's costs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--games", type=int, default=GAMES, help="play the first N only")
    parser.add_argument("--jobs", type=int, default=1, help="processes for Prophet's fits")
    parser.add_argument("--cache", type=Path, help="folder that keeps Prophet's fits")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    history = read_history()
    forecast = path_forecast(history, jobs=options.jobs, cache=options.cache)
    benchmark = benchmark_policy(history)
    played = games(history, benchmark)[: options.games]
    theirs = [game_costs(history, game, benchmark) for game in played]

    def ours(number: int, ratio: float) -> FloatArray:
        return game_costs(
            history,
            played[number],
            lambda place, on_hand, due: quantile_order(forecast(place), on_hand, due, ratio),
        )

    tuned = range(min(TUNED, len(played)))
    sums = {ratio: sum(float(ours(game, ratio).sum()) for game in tuned) for ratio in RATIOS}
    ratio = min(sums, key=lambda one: sums[one])
    costs = [ours(number, ratio) for number in range(len(played))]
    report = _report(history, played, costs, theirs) | {"critical_ratio": ratio}
    report["seconds_of_the_last_orders"] = _last_orders(history, ratio, options.jobs)
    print(json.dumps(report, indent=2) if options.json else _table(report))


def _report(
    history: History, played: list[Game], ours: list[FloatArray], theirs: list[FloatArray]
) -> dict[str, object]:
    rows = [
        {
            "first_week": str(history.weeks[game.first].date()),
            "items": int(game.scored.sum()),
            "cost": round(float(one.sum()), 1),
            "benchmark": round(float(other.sum()), 1),
            "ratio": round(float(one.sum() / other.sum()), 4),
            "ratio_weeks_3_to_8": round(float(one[:, 2:].sum() / other[:, 2:].sum()), 4),
        }
        for game, one, other in zip(played, ours, theirs, strict=True)
    ]
    parts = {"tuned games": slice(0, TUNED), "reported games": slice(TUNED, GAMES)}
    return {"games": rows} | {
        name: _summed(ours[part], theirs[part]) for name, part in parts.items() if ours[part]
    }


def _summed(ours: list[FloatArray], theirs: list[FloatArray]) -> dict[str, object]:
    """Return the cost ratio over some games, and over the weeks that orders reach."""
    one, other = sum(ours), sum(theirs)  # (items, weeks)
    found: dict[str, object] = {}
    for name, weeks in (("all weeks", slice(0, WEEKS)), ("weeks 3 to 8", slice(2, WEEKS))):
        mine, yours = one[:, weeks].sum(axis=1), other[:, weeks].sum(axis=1)
        low, high = bootstrap(mine, yours)
        found[name] = {
            "ratio": round(float(mine.sum() / yours.sum()), 4),
            "interval_95": [round(low, 4), round(high, 4)],
        }
    return found


def _last_orders(history: History, ratio: float, jobs: int) -> float:
    """Return the seconds that fits and orders of all items take after the last week."""
    began = time.perf_counter()
    items, place = history.ids.size, history.units.shape[1]
    paths = path_forecast(history, jobs=jobs)(place)
    quantile_order(paths, np.zeros(items), np.zeros((items, 2)), ratio)
    return round(time.perf_counter() - began, 1)


def _table(report: dict[str, object]) -> str:
    lines = ["first week  items      cost benchmark  ratio  weeks 3-8"]
    lines += [
        f"{row['first_week']} {row['items']:6d} {row['cost']:9.1f} {row['benchmark']:9.1f} "
        f"{row['ratio']:6.3f} {row['ratio_weeks_3_to_8']:10.3f}"
        for row in report["games"]
    ]
    for name in ("tuned games", "reported games"):
        for weeks, found in report.get(name, {}).items():
            low, high = found["interval_95"]
            lines.append(f"{name}, {weeks}: {found['ratio']:.4f} (95 %: {low:.4f} to {high:.4f})")
    lines.append(f"critical ratio, tuned on the first {TUNED} games: {report['critical_ratio']}")
    seconds = report["seconds_of_the_last_orders"]
    return "\n".join([*lines, f"seconds for the orders after the last week: {seconds}"])


if __name__ == "__main__":
    main()
