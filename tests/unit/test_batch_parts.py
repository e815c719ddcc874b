"""Parts of a stream of histories, the files they come from, and the folder they are written to."""

import gzip
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_modules.batch_prophet.panel import Panel, panel_of_frame
from core_modules.batch_prophet.settings import BatchSettings
from core_modules.batch_streams import long_rows
from core_modules.batch_streams.fingerprints import panel_digest
from core_modules.batch_streams.histories import last_day, panels_of
from core_modules.batch_streams.part_folder import STALE, PartFolder
from core_modules.batch_streams.parts import HELD_PARTS, cut_parts
from core_modules.batch_streams.streaming import item_chunks
from core_modules.history_files.sales_errors import SalesDataError

FACTS = {"settings.growth": "'linear'", "input": "files"}
CALENDARS = [pd.date_range(f"2024-01-0{first}", periods=5) for first in range(1, 8)]


def shop(kinds: list[int]) -> pd.DataFrame:
    """An item of five days for each number, which says on which calendar."""
    rows = [
        pd.DataFrame({"unique_id": f"item{place:03d}", "ds": CALENDARS[kind], "y": place + 0.5})
        for place, kind in enumerate(kinds)
    ]
    return pd.concat(rows, ignore_index=True)


def pieces(frame: pd.DataFrame, items: int) -> Iterator[Panel]:
    for chunk in item_chunks(frame, items):
        yield panel_of_frame(chunk)


def rows_of(panel: Panel) -> pd.DataFrame:
    counts = np.diff(panel.offsets)
    return pd.DataFrame(
        {
            "unique_id": panel.ids.repeat(counts),
            "ds": panel.dates[panel.rows],
            "y": panel.y,
        }
    )


def read_twice(path: Path) -> list[Panel]:
    last_day(path)
    return list(panels_of(path, BatchSettings()))


def test_items_of_one_calendar_leave_together() -> None:
    parts = list(cut_parts(pieces(shop([0, 1, 0, 1, 0, 2, 1, 0]), 3), 4))
    assert [list(part.ids) for part in parts] == [
        ["item000", "item002", "item004", "item007"],  # the fourth of calendar 0 fills a part
        ["item005", "item001", "item003", "item006"],  # one of calendar 2, three of calendar 1
    ]


def test_a_calendar_that_fits_no_more_is_not_cut_in_two() -> None:
    parts = list(cut_parts(pieces(shop([0, 0, 0, 1, 1, 1]), 6), 4))
    assert [part.items for part in parts] == [3, 3]
    assert all(len(part.dates) == 5 for part in parts)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.integers(1, 5), st.integers(1, 9))
def test_every_row_leaves_once_whatever_the_pieces(kinds: list[int], part: int, piece: int) -> None:
    frame = shop(kinds)
    parts = list(cut_parts(pieces(frame, piece), part))
    left = pd.concat([rows_of(panel) for panel in parts])
    left = left.sort_values(["unique_id", "ds"], ignore_index=True)
    pd.testing.assert_frame_equal(left, frame, check_dtype=False)
    assert max(panel.items for panel in parts) <= part
    other = [panel_digest(panel) for panel in cut_parts(pieces(frame, 100), part)]
    assert [panel_digest(panel) for panel in parts] == other


def test_few_items_wait_however_many_calendars_there_are() -> None:
    taken, left, most = 0, 0, 0
    dates = pd.date_range("2020-01-01", periods=400)

    def lonely() -> Iterator[Panel]:
        nonlocal taken
        for number in range(300):
            taken += 1
            yield panel_of_frame(
                pd.DataFrame({"unique_id": f"i{number}", "ds": dates[number:], "y": 1.0})
            )

    for part in cut_parts(lonely(), 5):
        most = max(most, taken - left)
        left += part.items
    assert (taken, left) == (300, 300)
    assert most == HELD_PARTS * 5 + 1


def test_an_item_that_comes_again_is_refused() -> None:
    frame = shop([0, 0])
    twice = [panel_of_frame(frame), panel_of_frame(frame.iloc[:5])]
    with pytest.raises(ValueError, match="'item000' comes again"):
        list(cut_parts(twice, 4))


def test_a_digest_tells_values_days_and_items_apart() -> None:
    frame = shop([0, 1])
    changed = [
        frame,
        frame.assign(y=frame["y"] + 1e-12),
        frame.assign(ds=frame["ds"] + pd.Timedelta(days=1)),
        frame.assign(unique_id=frame["unique_id"] + "x"),
    ]
    assert len({panel_digest(panel_of_frame(one)) for one in changed}) == 4
    assert panel_digest(panel_of_frame(frame)) == panel_digest(panel_of_frame(frame.copy()))


@pytest.mark.parametrize("name", ["sales.parquet", "sales.csv", "sales.csv.gz", "folder"])
def test_a_file_gives_the_rows_of_its_frame(name: str, tmp_path: Path) -> None:
    frame = shop([0, 3, 1]).assign(unique_id=lambda rows: "00" + rows["unique_id"].str[-1])
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
        frame.iloc[:7].to_parquet(path / "a.parquet", index=False)  # cuts the second item
        frame.iloc[7:].to_parquet(path / "b.parquet", index=False)
    elif name == "sales.parquet":
        frame.to_parquet(path, index=False, row_group_size=4)
    else:
        frame.to_csv(path, index=False)
    panels = list(panels_of(path, BatchSettings()))
    found = pd.concat([rows_of(panel) for panel in panels], ignore_index=True)
    pd.testing.assert_frame_equal(found, frame, check_dtype=False)
    assert last_day(path) == np.datetime64("2024-01-08")


def test_days_out_of_stock_are_missing() -> None:
    frame = shop([0]).assign(in_stock=[True, False, True, True, True])
    (panel,) = panels_of([frame], BatchSettings())
    assert panel.dates[panel.rows].astype("datetime64[D]").astype(str).tolist() == [
        "2024-01-01",
        "2024-01-03",
        "2024-01-04",
        "2024-01-05",
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("sales.csv", "unique_id,date,y\na,2024-01-01,1\n", "has no column ds; .* rename 'date'"),
        ("sales.csv", "unique_id,ds,y\na,2024-01-01,many\n", "line 2: y 'many' is not a number"),
        ("sales.csv", "unique_id,ds,y\na,monday,1\n", "line 2: ds 'monday' is not an ISO date"),
        ("sales.csv", "unique_id,ds,y\na,2024-01-01,1,2\n", "line 2: has 4 columns instead of 3"),
        ("sales.csv", "", "holds nothing"),
        ("sales.csv.gz", "unique_id,ds,y\na,2024-01-01,1\n", "gzip data is damaged"),
        ("sales.csv", "unique_id,ds,y\n", "has no rows"),
        ("sales.xlsx", "", r"must end in \.parquet"),
    ],
)
def test_a_wrong_file_is_refused_by_name(
    name: str, text: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_twice(tmp_path / name)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["sales.csv", "sales.csv.gz"])
def test_a_bad_cell_is_told_by_its_line_however_many_pieces_came_before(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_rows, "BATCH_ROWS", 8)  # a piece of 256 bytes
    rows = shop([0] * 40).astype({"y": object})
    rows.loc[150, "y"] = "many"
    text = rows.to_csv(index=False).replace("item020", "\n\nitem020", 1)  # two lines, no rows
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    with pytest.raises(SalesDataError, match=r"line 154: y 'many' is not a number"):
        last_day(path)


def test_letters_that_are_not_utf_8_are_told_by_their_line(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_bytes("unique_id,ds,y\ntea,2024-01-01,1\ncafé,2024-01-01,1\n".encode("latin-1"))
    with pytest.raises(SalesDataError, match="line 3: byte 0xe9 is not UTF-8"):
        last_day(path)


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("unique_id", None, "row 8: unique_id '' is empty"),
        ("ds", pd.NaT, "row 8: ds '' is not an ISO date"),
        ("y", np.inf, "row 8: y 'inf' is not a finite number"),
    ],
)
def test_a_bad_cell_of_a_parquet_file_is_told_by_its_row(
    column: str, cell: object, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_rows, "BATCH_ROWS", 3)
    rows = shop([0, 1])
    rows.loc[7, column] = cell
    rows.to_parquet(tmp_path / "sales.parquet", index=False)
    with pytest.raises(SalesDataError, match=message):
        last_day(tmp_path / "sales.parquet")


@pytest.mark.parametrize("missing", ["", "NA", "NaN", "null"])
def test_a_day_whose_y_is_empty_is_missing(missing: str, tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(f"unique_id,ds,y\na,2024-01-01,-1.5\na,2024-01-02,{missing}\n")
    (panel,) = panels_of(path, BatchSettings())
    assert panel.y.tolist() == [-1.5]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no such file"):
        last_day(tmp_path / "sales.parquet")


def test_a_part_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = PartFolder(tmp_path / "out", FACTS)
    folder.write(0, "aa", b"first")

    def full_disk(number: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        folder.write(1, "bb", b"second")
    assert sorted(file.name for file in folder.folder.iterdir()) == [
        "_manifest.json",
        "part-00000-aa.parquet",
    ]
    again = PartFolder(tmp_path / "out", FACTS)
    assert again.has(0, "aa")
    assert not again.has(1, "bb")


def test_two_writers_of_the_same_part_do_not_clash(tmp_path: Path) -> None:
    writers = [PartFolder(tmp_path / "out", FACTS) for _ in range(2)]
    for writer in writers:
        writer.write(0, "aa", b"the same")
    assert writers[0].path(0, "aa").read_bytes() == b"the same"


def test_a_folder_of_other_facts_or_parts_is_refused(tmp_path: Path) -> None:
    folder = PartFolder(tmp_path / "out", FACTS)
    folder.write(3, "aa", b"part")
    with pytest.raises(ValueError, match=r"settings\.growth was 'linear', is 'flat'; go on as"):
        PartFolder(tmp_path / "out", FACTS | {"settings.growth": "'flat'"})
    with pytest.raises(ValueError, match=r"part 3 was made from another history \(aa, now bb\)"):
        folder.has(3, "bb")
    with pytest.raises(ValueError, match="holds part 3, but this history has 2 parts"):
        folder.check_end(2)
    folder.check_end(4)


def test_a_folder_of_other_files_and_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match="holds other files"):
        PartFolder(tmp_path, FACTS)
    with pytest.raises(ValueError, match="is a file: name a folder"):
        PartFolder(tmp_path / "notes.txt", FACTS)
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "_manifest.json").write_text("{")
    with pytest.raises(ValueError, match="is not what was written there"):
        PartFolder(tmp_path / "torn", FACTS)


def test_what_a_killed_writer_left_is_cleared_once_it_is_old(tmp_path: Path) -> None:
    folder = PartFolder(tmp_path / "out", FACTS).folder
    old, young = folder / ".part-00000-aa.parquet.1", folder / ".part-00001-bb.parquet.2"
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    before = time.time() - STALE - 60
    os.utime(old, (before, before))
    PartFolder(tmp_path / "out", FACTS)
    assert not old.exists()
    assert young.exists()
