"""The command `replay`: bit for bit the same decision, or a clear word that it is not."""

import csv
import gzip
import json
from pathlib import Path

import pytest

from core_modules.main import main
from core_modules.replay_command import RecordError, record_folder, replay

DECISION = "2024-01-05/Electronics_DEMO_ITEM"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert main(["simulate", "--days", "8", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def run(original: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("run.json", "decisions.csv", "decision_inputs.jsonl.gz"):
        (folder / name).write_bytes((original / name).read_bytes())
    return folder


def rewrite_facts(run: Path, change: str, value: object) -> None:
    facts = json.loads((run / "run.json").read_text())
    facts[change] = value
    (run / "run.json").write_text(json.dumps(facts))


def test_a_recorded_decision_is_made_again_and_explained(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(run, DECISION, as_json=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{DECISION}: identical to the recorded decision"
    assert lines[1].startswith("inputs unchanged since the run: sha256 ")
    assert "next best" in lines
    assert "not known" in lines


def test_json_holds_the_verdict_the_digest_and_the_explanation(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(run, DECISION, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["identical"] is True
    assert len(told["digest"]) == 64
    assert told["explanation"]["decision"]["unique_id"] == "Electronics_DEMO_ITEM"
    assert sum(point["chosen"] for point in told["explanation"]["curve"]) == 1


def test_changed_inputs_are_found_by_their_digest(run: Path) -> None:
    path = run / "decision_inputs.jsonl.gz"
    lines = gzip.decompress(path.read_bytes()).replace(b'"on_hand": ', b'"on_hand": 1', 1)
    path.write_bytes(gzip.compress(lines, mtime=0))
    with pytest.raises(RecordError, match="was changed after the run"):
        replay(run, DECISION, as_json=False)


def test_changed_decisions_are_found_by_their_digest(run: Path) -> None:
    path = run / "decisions.csv"
    path.write_text(path.read_text().replace("false", "true", 1))
    with pytest.raises(RecordError, match=r"decisions\.csv was changed after the run"):
        replay(run, DECISION, as_json=False)


def test_without_a_digest_nothing_is_proved_and_a_changed_row_is_still_found(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite_facts(run, "kept", {})
    path = run / "decisions.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[4]["quantity"] = "12345"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert replay(run, DECISION, as_json=False) == 1
    told = capsys.readouterr().out
    assert f"{DECISION}: NOT identical to the recorded decision" in told
    assert "decisions.csv, quantity: recorded '12345'" in told
    assert "nothing proves them unchanged" in told


def test_other_settings_than_the_runs_are_found_by_the_decision_they_make(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = json.loads((run / "run.json").read_text())
    facts["settings"]["agent"]["paths"] = 64
    (run / "run.json").write_text(json.dumps(facts))
    assert replay(run, DECISION, as_json=False) == 1
    assert "expected_demand: recorded" in capsys.readouterr().out


def test_an_unknown_decision_names_the_nearest_ones(run: Path) -> None:
    with pytest.raises(ValueError, match=f"the nearest are .*{DECISION}"):
        replay(run, "2024-01-05/Electronics_DEMO", as_json=False)


def test_what_is_no_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="there is no such run"):
        replay(tmp_path / "nothing", DECISION, as_json=False)
    with pytest.raises(RecordError, match="only runs and plans of the agent"):
        replay(tmp_path, DECISION, as_json=False)


def test_a_plans_file_of_orders_leads_to_its_record(run: Path) -> None:
    orders = run.parent / "orders.csv"
    orders.write_text("unique_id,quantity\n")
    run.rename(run.parent / "orders-record")
    assert record_folder(orders) == run.parent / "orders-record"
