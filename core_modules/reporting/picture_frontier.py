"""The picture of a comparison: what each policy's service costs, over all its parameters."""

from typing import TYPE_CHECKING

import pandas as pd

from core_modules.reporting.report_palette import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEAREST = 4.0  # times the agent's cost: the top of the picture
LINES = tuple(
    (colour, dash)
    for dash in ("-", "--")
    for colour in (ORANGE, SKY, GREEN, VERMILLION, PURPLE, GREY)
)


def frontier_panel(axes: "Axes", sweep: pd.DataFrame, points: pd.DataFrame) -> None:
    """Draw cost against fill rate, a line for each policy, and the agent's and the bound's points.

    `sweep` has policy, a, b, fill_rate and cost of every parameter value; `points` policy,
    fill_rate and cost. A policy with two parameters has a line for each value of the second. What
    costs more than `DEAREST` times the agent is off the picture.
    """
    agent = points.loc[points["policy"] == "agent", "cost"].iloc[0]
    groups = sweep.groupby("policy", sort=False)
    for (policy, rows), (colour, dash) in zip(groups, LINES * len(groups), strict=False):
        for number, (_, tried) in enumerate(rows.groupby("b", sort=False)):
            axes.plot(
                100 * tried["fill_rate"], tried["cost"], dash, color=colour, linewidth=1.2,
                label="" if number else policy, marker="o", markersize=3.5,
            )  # fmt: skip
    named = zip(points["policy"], 100 * points["fill_rate"], points["cost"], strict=True)
    for policy, served, cost in named:
        told = INK if policy == "clairvoyant" else BLUE
        axes.plot(served, cost, "D", color=told, markersize=8)
        axes.annotate(
            policy, (served, cost), textcoords="offset points", xytext=(-8, 8), ha="right",
            color=told, fontweight="bold",
        )  # fmt: skip
    axes.set_xlabel("fill rate, percent of units asked for")
    axes.set_ylabel("cost of a run: lost margin, goodwill, holding, orders, waste")
    axes.set_ylim(0, DEAREST * agent)
    shown = sweep.loc[sweep["cost"] <= DEAREST * agent, "fill_rate"]
    axes.set_xlim(100 * pd.concat([shown, points["fill_rate"]]).min() - 0.5, 100.2)
    axes.legend(
        loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=9.5,
        title="textbook rules, each over its parameters", title_fontsize=9.5, alignment="left",
    )  # fmt: skip
