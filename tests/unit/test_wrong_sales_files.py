"""Wrong sales files: each gives one line that says what, where and how to mend it."""

import gzip
import io
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_modules.sales_history import SalesDataError, read_sales

GOOD = "unique_id,ds,y\n00123,2024-01-01,3\n00123,2024-01-02,0\n"


def refusal(path: Path, **options: object) -> str:
    """Return the one line with which a file is refused."""
    with pytest.raises(SalesDataError) as caught:
        read_sales(path, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": is empty (0 bytes)"),
        ("\n\n", ": holds nothing but empty lines"),
        ("unique_id,ds,y\n", ": has a header but no rows"),
        ("unique_id,ds,y", ": has a header but no rows"),
        (
            "sku,ds,y\na,2024-01-01,1\n",
            (": has no column unique_id; found 'sku', 'ds', 'y': rename 'sku' to unique_id"),
        ),
        ("unique_id,Date,y\na,2024-01-01,1\n", "rename 'Date' to ds"),
        ("unique_id,ds,Units Sold\na,2024-01-01,1\n", "rename 'Units Sold' to y"),
        ("unique_id;ds;y\na;2024-01-01;1\n", "line 1: columns are separated by semicolons"),
        ("unique_id,ds,y,y\na,2024-01-01,1,1\n", ": has the column 'y' twice"),
        (",unique_id,ds,y\n0,a,2024-01-01,1\n", ": column 1 has no name"),
        ("unique_id,ds ,y\na,2024-01-01,1\n", ": the column name 'ds ' has blanks"),
        (GOOD + "a,2024-01-03,1,9\n", "line 4: has 4 columns instead of 3; put text"),
        (GOOD + "a,2024-01-03\n", "line 4: has 2 columns instead of 3; complete the row"),
        ("unique_id,ds,y\n\na,2024-01-01,1\n\na,2024-01-02,x\n", "line 5: y 'x' is not a number"),
        ('unique_id,ds,y,note\n"a",2024-01-01,1,"two\nlines"\na,2024-01-02,x,\n', "line 4: y 'x'"),
        ('unique_id,ds,y\n"a,2024-01-01,1\n', ": a quotation mark is opened and never closed"),
        (GOOD + ",2024-01-03,1\n", "line 4: unique_id '' is empty"),
        (
            GOOD + " 00123,2024-01-03,1\n",
            ("line 4: unique_id ' 00123' has blanks around it; write '00123'"),
        ),
        (GOOD + "a\tb,2024-01-03,1\n", "line 4: unique_id 'a\\tb' holds a control character"),
        (
            GOOD + "00123,2024-01-01,9\n",
            (
                "line 4: item '00123' has 2024-01-01 a second time, "
                "first in line 2; keep one row an item and day"
            ),
        ),
        (GOOD + "a,,1\n", "line 4: ds '' is not an ISO date"),
        (GOOD + "a,2024-02-30,1\n", "line 4: ds '2024-02-30' is a day that no calendar has"),
        (GOOD + "a,0204-01-05,1\n", "line 4: ds '0204-01-05' is outside the years 1900 to 2199"),
        (GOOD + "a,45292,1\n", "line 4: ds '45292' is not an ISO date; write YYYY-MM-DD"),
        (
            GOOD + "a,2024-01-03 14:30,1\n",
            ("line 4: ds '2024-01-03 14:30' is not written YYYY-MM-DD"),
        ),
        (GOOD + "a,2024-01-03T00:00:00Z,1\n", "without a time zone"),
        (
            GOOD + "a,03/04/2024,1\n",
            ("write 2024-03-04 or 2024-04-03 (the file mixes date formats)"),
        ),
        ("unique_id,ds,y\na,13/04/2024,1\n", "never guessed: write 2024-04-13"),
        ("unique_id,ds,y\na,03/04/2024,1\n", "never guessed: write 2024-03-04 or 2024-04-03"),
        (GOOD + "a,2024-01-03,\n", "line 4: y is empty"),
        (GOOD + "a,2024-01-03,-2\n", "line 4: y '-2' must be >= 0"),
        (GOOD + "a,2024-01-03,NaN\n", "line 4: y 'NaN' is not a finite number"),
        (GOOD + "a,2024-01-03,inf\n", "line 4: y 'inf' is not a finite number"),
        (GOOD + "a,2024-01-03,1e309\n", "line 4: y '1e309' is not a finite number"),
        (GOOD + "a,2024-01-03,1e13\n", "line 4: y '1e13' must be <= 1e+12"),
        (GOOD + "a,2024-01-03,true\n", "line 4: y 'true' is not a number"),
        (GOOD + 'a,2024-01-03,"1,5"\n', "line 4: y '1,5' is not a number; write it like 12"),
        (GOOD + "a,2024-01-03,5 pcs\n", "line 4: y '5 pcs' is not a number"),
        (GOOD + "a,2024-01-03,٣\n", "line 4: y '٣' is not a number"),
        (
            "unique_id,ds,y,in_stock\na,2024-01-01,1,maybe\n",
            ("line 2: in_stock 'maybe' must be true, false, 1 or 0"),
        ),
        ("unique_id,ds,y,in_stock\na,2024-01-01,,true\n", "line 2: y is empty although in_stock"),
        (
            "unique_id,ds,y,instock\na,2024-01-01,1,1\n",
            (": column 'instock' is not known; rename it to in_stock"),
        ),
        ("unique_id,ds,y,unit_price\na,2024-01-01,1,1\n", "rename it to price"),
        ("unique_id,ds,y,price\na,2024-01-01,1,0\n", "line 2: price '0' must be > 0"),
        ("unique_id,ds,y,promo\na,2024-01-01,1,true\n", "line 2: promo 'true' is not a number"),
        (
            "unique_id,ds,y,rain\na,2024-01-01,1,no\na,2024-01-02,1,yes\n",
            (
                "line 3: rain 'yes' "
                "differs from 'no' in line 2 for item 'a'; a column outside the contract is a group"
            ),
        ),
        ("PK\3\4whatever", ": is a spreadsheet or zip file; save it as CSV (UTF-8)"),
        ("unique_id,ds,y\na,2024-01-01,\0\n", ": is not UTF-8 text"),
        ("unique_id,ds,y\n" + "a" * 200_000 + ",2024-01-01,1\n", "line 2: has 200,014 bytes"),
        (
            GOOD + "a,2042-01-05,1\n",
            (
                "line 4: ds 2042-01-05 is cut off from the other sales: none "
                "between 2024-01-02 and 2042-01-05"
            ),
        ),
    ],
)
def test_a_wrong_file_is_refused_with_place_value_and_remedy(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(text)
    assert message in refusal(path)


def test_text_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(GOOD.encode() + "Käse,2024-01-01,1\n".encode("latin-1"))
    assert "line 4: byte 0xe4 is not UTF-8" in refusal(path)
    path.write_bytes(GOOD.encode("utf-16"))
    assert "is not UTF-8 text" in refusal(path)


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_bytes(GOOD.replace("\n", "\r\n").encode("utf-8-sig"))
    assert read_sales(path).frame["y"].tolist() == [3, 0]


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(tmp_path / "none.csv")
    assert "is a folder with no sales file" in refusal(tmp_path)
    (tmp_path / "one.csv").write_text(GOOD)
    assert "is a folder; name the file, such as" in refusal(tmp_path)
    (tmp_path / "two.csv").write_text(GOOD)
    assert "is a folder with several sales files ('one.csv', 'two.csv')" in refusal(tmp_path)


def test_a_damaged_gzip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv.gz"
    whole = gzip.compress(GOOD.encode())
    for content in (
        whole[:-9],
        whole[:15],
        whole[:-4] + b"\0\0\0\0",
        whole[:20] + b"\0" + whole[21:],
    ):
        path.write_bytes(content)
        assert "the gzip data is damaged or cut short" in refusal(path)
    path.write_text(GOOD)
    assert "is named .gz but is not gzip" in refusal(path)
    path.write_bytes(gzip.compress(b""))
    assert "is empty inside its gzip" in refusal(path)


def parquet(frame: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.to_parquet(stream)
    return stream.getvalue()


def test_wrong_parquet_files_are_refused_with_their_row(tmp_path: Path) -> None:
    path = tmp_path / "sales.parquet"
    days = pd.date_range("2024-01-01", periods=2)
    good = pd.DataFrame({"unique_id": ["a", "a"], "ds": days, "y": [1.0, 2.0]})
    for frame, message in (
        (good.assign(y=[1.0, -2.0]), "row 2: y '-2' must be >= 0"),
        (good.assign(y=[1.0, None]), "row 2: y is empty"),
        (good.assign(y=[True, False]), "row 1: y 'true' is not a number"),
        (good.assign(unique_id=[1.0, 1.0]), "unique_id holds fractions; write it as text"),
        (good.assign(unique_id=["a", None]), "row 2: unique_id '' is empty"),
        (good.assign(ds=days.tz_localize("UTC")), "without a time zone"),
        (good.assign(ds=days + pd.Timedelta(hours=3)), "row 1: ds '2024-01-01 03:00:00"),
        (good.assign(ds=["2024-01-01", "1/2/2024"]), "row 2: ds '1/2/2024' is not an ISO date"),
        (good.assign(y=[[1], [2]]), "column 'y' holds list"),
    ):
        path.write_bytes(parquet(frame))
        assert message in refusal(path)
    path.write_bytes(parquet(good)[:-20])
    assert "the Parquet data is damaged" in refusal(path)


def test_whole_number_ids_of_parquet_become_text(tmp_path: Path) -> None:
    path = tmp_path / "sales.parquet"
    days = pd.date_range("2024-01-01", periods=2)
    path.write_bytes(parquet(pd.DataFrame({"unique_id": [7, 10], "ds": days, "y": [1, 2]})))
    assert read_sales(path).frame["unique_id"].unique().tolist() == ["10", "7"]


def test_weekly_and_daily_sales_are_not_taken_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "weeks.csv"
    mondays = pd.date_range("2024-01-01", periods=8, freq="7D").strftime("%Y-%m-%d")
    path.write_text("unique_id,ds,y\n" + "".join(f"a,{day},1\n" for day in mondays))
    assert "every ds is the same weekday (Monday)" in refusal(path)
    assert len(read_sales(path, freq="W").frame) == 8
    path.write_text(path.read_text() + "a,2024-03-05,1\n")
    assert "line 10: ds 2024-03-05 and 2024-01-01 are different weekdays" in refusal(path, freq="W")


def test_an_as_of_outside_the_sales_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(GOOD)
    assert "has no sales up to 2023-12-31" in refusal(path, as_of=date(2023, 12, 31))
    assert "more than a year before as-of 2031-01-01" in refusal(path, as_of=date(2031, 1, 1))


def test_sales_that_would_fill_the_memory_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core_modules.history_files.sales_frame.LARGEST_FRAME", 100)
    path = tmp_path / "sales.csv"
    path.write_text(GOOD + "b,2023-01-05,1\n")
    assert "cover 365 item-days, more than 100; check the earliest date, 2023-01-05" in refusal(
        path
    )


@given(st.data())
@settings(max_examples=300)
def test_whatever_is_in_a_file_it_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    source = data.draw(st.sampled_from([GOOD.encode(), gzip.compress(GOOD.encode()), b""]))
    start = data.draw(st.integers(0, len(source)))
    end = data.draw(st.integers(start, len(source)))
    middle = data.draw(st.binary(max_size=12) | st.text(max_size=12).map(str.encode))
    path = tmp_path_factory.getbasetemp() / "anything.csv"
    path.write_bytes(source[:start] + middle + source[end:])
    try:
        message = str(len(read_sales(path).frame))
    except SalesDataError as error:
        message = str(error)
    assert "\n" not in message
