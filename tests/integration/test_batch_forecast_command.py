"""The batch-forecast command, from a sales file to a folder of Parquet files."""

import json
from pathlib import Path

import pandas as pd
import pytest

from core_modules.main import main

ROOT = Path(__file__).resolve().parents[2]
SALES = ROOT / "examples" / "sales.csv"


@pytest.fixture(autouse=True)
def one_blas_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command sets these for its process, which here is everybody's."""
    for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(library, "1")


def test_a_file_becomes_a_folder_and_a_second_run_finds_it_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["batch-forecast", "--sales", str(SALES), "--horizon", "5", "--json"]
    command += ["--out", str(tmp_path / "out")]
    assert main(command) == 0
    first = json.loads(capsys.readouterr().out)
    history, found = pd.read_csv(SALES, dtype={"unique_id": str}), pd.read_parquet(tmp_path / "out")
    assert set(found["unique_id"]) == set(history["unique_id"])
    assert (found.groupby("unique_id").size() == 5).all()
    assert found["ds"].min() == pd.Timestamp(history["ds"].max()) + pd.Timedelta(days=1)
    assert (found["yhat_lower_80"] <= found["yhat"]).all()
    assert first["computed"] == first["parts"] == 1
    assert sum(first["routes"].values()) == history["unique_id"].nunique()
    assert main(command[:-3] + command[-2:]) == 0
    assert "parts: 0 computed, 1 were there" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--sales", "missing.csv"], "error: missing.csv: there is no such file"),
        (["--scheduler", "nowhere"], "error: no Dask scheduler answers at nowhere"),
        (["--out", str(SALES)], "is a file: name a folder with --out"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    changes: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["batch-forecast", "--sales", str(SALES), "--out", str(tmp_path / "out"), *changes]
    assert main(command) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("y", "many", "y 'many' is not a number; write it like 12 or 12.5"),
        ("y", "inf", "y 'inf' is not a finite number; mend or remove it"),
        ("ds", "2024-02-31", "ds '2024-02-31' is a day that no calendar has; mend it"),
        ("ds", "", "ds '' is not an ISO date; write YYYY-MM-DD"),
        ("unique_id", "", "unique_id '' is empty; every row names its item"),
        ("in_stock", "maybe", "in_stock 'maybe' must be true, false, 1 or 0"),
    ],
)
def test_a_bad_cell_is_told_by_its_file_line_and_column_and_nothing_is_written(
    column: str, cell: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sales, out = tmp_path / "sales.csv", tmp_path / "out"
    history = pd.read_csv(SALES, dtype=str)
    history.loc[4_000, column] = cell  # the header is line 1
    history.to_csv(sales, index=False)
    # With parts of one item, those before the bad cell could be written.
    command = ["batch-forecast", "--sales", str(sales), "--part-items", "1", "--out", str(out)]
    assert main(command) == 2
    assert f"error: {sales}, line 4002: {message}" in capsys.readouterr().err
    assert not out.exists()


def test_what_was_refused_may_go_into_the_same_folder_once_it_is_mended(tmp_path: Path) -> None:
    sales, out = tmp_path / "sales.csv", tmp_path / "out"
    history = pd.read_csv(SALES, dtype={"unique_id": str})
    command = ["batch-forecast", "--sales", str(sales), "--horizon", "5", "--out", str(out)]
    history.sort_values("ds").to_csv(sales, index=False)
    assert main(command) == 2
    assert list(out.iterdir()) == []
    history.to_csv(sales, index=False)
    assert main(command) == 0
    assert set(pd.read_parquet(out)["unique_id"]) == set(history["unique_id"])
