"""The command `simulate`: its folder, its repeatability, its errors, its decisions made again."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core_modules.agent_policy import AgentPolicy
from core_modules.decision_inputs import replayed
from core_modules.forecasting.forecast_values import DemandModel
from core_modules.forecasting.level_following import Level, LevelRatio
from core_modules.forecasting.observation_law import ObservationLaw
from core_modules.inventory_agent import AgentSettings
from core_modules.main import main
from core_modules.run_cases import REFERENCE_TERMS, reference_case
from core_modules.settings import Settings
from core_modules.simulation import simulate

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CONTRACT_FILES = {
    "inventory_dashboard.png",
    "performance_timeline.png",
    "scenario_comparison.png",
    "report.html",
    "decisions.csv",
    "orders.csv",
    "metrics.json",
    "run.json",
    "decision_inputs.jsonl.gz",
}
CONTRACT_METRICS = {
    "days",
    "service_level",
    "fill_rate",
    "stockout_days",
    "revenue",
    "purchases",
    "profit",
    "cash_profit",
    "clairvoyant_profit",
    "normal_share",
    "autonomous_share",
    "average_stock",
    "orders_placed",
}


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "first"
    assert main(["simulate", "--days", "16", "--out", str(folder)]) == 0
    return folder


def test_a_run_leaves_every_file_of_the_contract(run_folder: Path) -> None:
    assert {file.name for file in run_folder.iterdir()} == CONTRACT_FILES
    metrics = json.loads((run_folder / "metrics.json").read_text())
    assert metrics.keys() >= CONTRACT_METRICS
    assert metrics["days"] == 16
    # 2 to 15 January are the clearance of the calendar: 2 of 16 days are normal.
    assert metrics["normal_share"] == pytest.approx(2 / 16)


def test_the_same_seed_gives_the_same_bytes(run_folder: Path, tmp_path: Path) -> None:
    assert main(["--days", "16", "--out", str(tmp_path / "again")]) == 0
    for file in run_folder.iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes(), file.name


def test_another_seed_gives_another_demand(run_folder: Path, tmp_path: Path) -> None:
    assert main(["simulate", "--days", "16", "--seed", "1", "--out", str(tmp_path / "b")]) == 0
    first, other = (
        json.loads((folder / "metrics.json").read_text())["demand_units"]
        for folder in (run_folder, tmp_path / "b")
    )
    assert first != other


def test_every_decision_can_be_made_again_from_the_inputs_kept(run_folder: Path) -> None:
    decisions = pd.read_csv(run_folder / "decisions.csv", keep_default_na=False)
    again = dict(replayed(run_folder / "decision_inputs.jsonl.gz", AgentSettings()))
    assert list(again) == decisions["decision_id"].tolist()
    for row in decisions.itertuples():
        decision = again[row.decision_id]
        assert (decision.quantity, decision.reason) == (row.quantity, row.reason)
        assert f"{decision.projected_stock:.6g}" == str(row.projected_stock) or (
            decision.projected_stock == pytest.approx(float(row.projected_stock), rel=1e-5)
        )


def test_no_run_folder_names_a_path_or_a_clock(run_folder: Path) -> None:
    for name in ("run.json", "metrics.json", "decisions.csv"):
        text = (run_folder / name).read_text()
        assert str(run_folder.parent) not in text
        assert "2026" not in text


def test_a_planners_own_files_run_to_the_end(tmp_path: Path) -> None:
    arguments = ["simulate", "--days", "14", "--out", str(tmp_path / "own"), "--json"]
    for option, name in (("--sales", "sales"), ("--items", "items"), ("--stock", "stock")):
        arguments += [option, str(EXAMPLES / f"{name}.csv")]
    assert main([*arguments, "--scenarios", str(EXAMPLES / "events.toml")]) == 0
    items = pd.read_csv(EXAMPLES / "items.csv")
    decisions = pd.read_csv(tmp_path / "own" / "decisions.csv")
    assert set(decisions["unique_id"]) == set(items["unique_id"])
    orders = pd.read_csv(tmp_path / "own" / "orders.csv").merge(items, on="unique_id")
    assert (orders["quantity"] % orders["pack_size"].fillna(1) == 0).all()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--sales", "nowhere.csv"], "nowhere.csv"),
        (["--scenarios", "storm"], "there is no calendar 'storm'"),
        (["--policy", "luck"], "there is no policy 'luck'"),
        (["--priority", "speed"], "priority must be one of"),
        (["--top", "3"], "--top needs --sales"),
        (["--sales", str(EXAMPLES / "sales.csv"), "--item", "nothing"], "no item 'nothing'"),
        (["--sales", str(EXAMPLES / "sales.csv"), "--days", "5000"], "use a smaller --days"),
    ],
)
def test_wrong_input_is_one_clear_line_and_exit_2(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", *arguments, "--out", str(tmp_path / "run")]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert told in lines[-1]
    assert not (tmp_path / "run").exists()


def test_a_run_that_fails_leaves_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert main(["simulate", "--days", "8", "--out", str(tmp_path / "file")]) == 2
    assert (tmp_path / "file").read_text() == "mine"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_stockout_days_hidden_demand_never_reaches_the_forecaster() -> None:
    case = reference_case(Settings(days=21), [0])
    level = LevelRatio(0.1, 1000.0, 1000.0)
    seen: list[pd.DataFrame] = []

    def fit(frame: pd.DataFrame, horizon: int) -> Sequence[DemandModel]:
        seen.append(frame)
        last = frame["ds"].iloc[-1].date()
        steady = Level(level, level, gain=0.0, threshold=1.0)
        fitted = np.full(horizon, 20.0)  # far too low, so that stock runs out
        law = ObservationLaw(scale=2.0, power=1.0)
        return [DemandModel(REFERENCE_TERMS.unique_id, "test", last, fitted, law, level=steady)]

    policy = AgentPolicy(case.terms, case.history, 1, fit, AgentSettings())
    result = simulate(case.market, case.terms, np.array([50]), policy)
    out = (result.on_hand[0, 0] == 0)[:14]
    assert out.any()
    run = seen[-1].tail(21).head(14)
    assert run["y"].isna().to_numpy()[out].all()
    assert not run["in_stock"].to_numpy()[out].any()
    known = run["y"].to_numpy()[~run["y"].isna()]
    assert np.isin(known, result.sold[0, 0]).all()
