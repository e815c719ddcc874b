"""The bench: paired seeds, rules tuned elsewhere on the agent's own forecasts, the bound apart."""

import json
from pathlib import Path

import pandas as pd
import pytest

from core_modules.main import main
from core_modules.policies.parameter_grids import BUDGET
from core_modules.policy_comparison import summarise


def test_policies_are_compared_on_the_same_seeds(tmp_path: Path) -> None:
    folder = tmp_path / "bench"
    arguments = ["--seeds", "2", "--tuning-seeds", "2", "--days", "12", "--shocks", "1,0.5"]
    arguments += ["--policies", "order-up-to,s-s,original"]
    assert main(["compare", "--scenarios", "original", *arguments, "--out", str(folder)]) == 0
    rows = pd.read_csv(folder / "by_seed.csv")
    assert all(rows.groupby(["policy", "events"])["seed"].agg(list).map(lambda one: one == [0, 1]))
    informed = {
        "agent",
        "agent, shocks x0.5",
        "order-up-to, quantile",
        "(s, S)",
        "original-rules",
        "clairvoyant",
    }
    assert set(rows.loc[rows["events"], "policy"]) == informed
    assert len(set(rows.loc[~rows["events"], "policy"])) == 3  # the rules, told of no event
    bound = rows[rows["policy"] == "clairvoyant"].set_index("seed")
    assert (rows["profit"] <= rows["seed"].map(bound["profit"]) + 1e-6).all()
    # Cost and profit add up to the margin of all demand, the same for every policy.
    margin = bound["profit"] + bound["cost"]
    assert (rows["profit"] + rows["cost"]).to_numpy() == pytest.approx(rows["seed"].map(margin))
    sweep = pd.read_csv(folder / "sweep.csv")
    tried = sweep[sweep["policy"] == "(s, S)"].groupby("events").size()
    assert tried.tolist() == [BUDGET, BUDGET]
    assert (folder / "frontier_original.png").read_bytes().startswith(b"\x89PNG")
    summary = json.loads((folder / "comparison.json").read_text())["original"]
    assert summary[0]["policy"] == "agent"


def test_the_summary_pairs_seeds() -> None:
    figures = {
        "service_level": 1.0,
        "fill_rate": 0.9,
        "average_stock": 5.0,
        "orders_placed": 1,
        "parameter": "",
    }
    costs = {
        ("agent", True): (10.0, 30.0),
        ("min/max", True): (20.0, 30.0),
        ("min/max", False): (40.0, 50.0),
        ("clairvoyant", True): (0.0, 20.0),
    }
    by_seed = pd.DataFrame(
        [
            {"policy": policy, "events": events, "seed": seed, "cost": cost, "profit": -cost}
            | figures
            for (policy, events), pair in costs.items()
            for seed, cost in enumerate(pair)
        ]
    )
    rows = summarise(by_seed).set_index("policy")
    assert rows.loc["agent", "regret"] == pytest.approx(10)  # (10 - 0 + 30 - 20) / 2
    # The rule costs 10 and 0 more: mean 5, margin 1.96 x 7.0711 / sqrt(2) = 9.8.
    assert rows.loc["min/max", "more"] == pytest.approx(5)
    assert rows.loc["min/max", "more_high"] == pytest.approx(14.8)
    assert rows.loc["min/max", "plain_more"] == pytest.approx(25)
    assert rows.loc["min/max", "dominated_by"] == "agent"
    assert rows.loc["agent", "dominated_by"] == ""  # the bound is no policy


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--shocks", "0.5"], "--shocks must include 1"),
        (["--scenarios", "storm"], "there is no calendar 'storm'"),
        (["--shocks", "often"], "is not a list of numbers"),
        (["--policies", "guesswork"], "there is no policy 'guesswork': use some of order-up-to"),
    ],
)
def test_wrong_arguments_are_told(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *arguments, "--out", str(tmp_path / "bench")]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "bench").exists()
