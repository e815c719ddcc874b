"""The bench: paired seeds, baselines tuned elsewhere and in hindsight, the bound on top."""

import json
from pathlib import Path

import pandas as pd
import pytest

from core_modules.main import main
from core_modules.policy_comparison import summarise


def test_policies_are_compared_on_the_same_seeds(tmp_path: Path) -> None:
    folder = tmp_path / "bench"
    arguments = ["--seeds", "2", "--tuning-seeds", "2", "--days", "12", "--shocks", "1,0.5"]
    assert main(["compare", "--scenarios", "original", *arguments, "--out", str(folder)]) == 0
    rows = pd.read_csv(folder / "by_seed.csv")
    seeds = rows.groupby("policy")["seed"].agg(list)
    assert all(one == [0, 1] for one in seeds)
    assert set(seeds.index) == {
        "agent",
        "agent, shocks x0.5",
        "original-rules",
        "order-up-to, other seeds",
        "order-up-to, hindsight",
        "days-of-cover, other seeds",
        "days-of-cover, hindsight",
        "clairvoyant",
    }
    bound = rows[rows["policy"] == "clairvoyant"].set_index("seed")["profit"]
    assert (rows["profit"] <= rows["seed"].map(bound) + 1e-6).all()
    summary = json.loads((folder / "comparison.json").read_text())["original"]
    assert summary[0]["policy"] == "agent"


def test_the_summary_pairs_seeds() -> None:
    figures = {"service_level": 1.0, "fill_rate": 1.0, "average_stock": 5.0, "orders_placed": 1}
    profits = {"agent": (90.0, 70.0), "days-of-cover": (80.0, 70.0), "clairvoyant": (100.0, 80.0)}
    by_seed = pd.DataFrame(
        [
            {"policy": policy, "parameter": "", "seed": seed, "profit": profit, **figures}
            for policy, pair in profits.items()
            for seed, profit in enumerate(pair)
        ]
    )
    rows = summarise(by_seed).set_index("policy")
    assert rows.loc["agent", "regret"] == pytest.approx(10)  # (100 - 90 + 80 - 70) / 2
    assert rows.loc["agent", "share_of_bound"] == pytest.approx(160 / 180)
    # The agent is ahead by 10 and by 0: mean 5, margin 1.96 x 7.0711 / sqrt(2) = 9.8.
    assert rows.loc["days-of-cover", "behind_agent"] == pytest.approx(5)
    assert rows.loc["days-of-cover", "behind_high"] == pytest.approx(14.8)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--shocks", "0.5"], "--shocks must include 1"),
        (["--scenarios", "storm"], "there is no calendar 'storm'"),
        (["--shocks", "often"], "is not a list of numbers"),
    ],
)
def test_wrong_arguments_are_told(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *arguments, "--out", str(tmp_path / "bench")]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "bench").exists()
