"""Item terms, stock and open orders: what is not given is told, what is wrong is refused."""

from datetime import date
from pathlib import Path

import pytest

from core_modules.history_files.item_defaults import ItemDefaults
from core_modules.history_files.item_files import read_items, read_open_orders, read_stock
from core_modules.item_terms import ItemTerms, OpenOrder
from core_modules.sales_history import SalesDataError

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def written(tmp_path: Path, text: str, name: str = "items.csv") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"unique_id": ""}, "unique_id must not be empty"),
        ({"unit_price": 0.0}, "unit_price must be > 0, got 0"),
        ({"unit_cost": -1.0}, "unit_cost must be finite and >= 0, got -1"),
        ({"holding_cost": float("nan")}, "holding_cost must be finite and >= 0, got nan"),
        ({"unit_cost": 12.0}, "unit_price 10 is below unit_cost 12"),
        ({"goodwill": -1.0}, r"goodwill must be finite and >= 0, got -1 \(shortage_cost 3 less"),
        ({"lead_time": 0}, "lead_time must be a whole number >= 1, got 0"),
        ({"lead_time": None}, "lead_time must be a whole number >= 1, got None"),
        ({"pack_size": 1.5}, "pack_size must be a whole number >= 1, got 1.5"),
        ({"shelf_life": 0}, "shelf_life must be a whole number >= 1, got 0"),
        ({"moq": 10, "pack_size": 6, "max_order": 11}, "no order is possible with moq 10"),
        ({"pack_size": 6, "max_order": 5}, "no order is possible"),
    ],
)
def test_terms_that_cannot_be_are_refused(wrong: dict[str, object], message: str) -> None:
    right = {"unique_id": "a", "unit_price": 10.0, "unit_cost": 6.0, "holding_cost": 0.01}
    ItemTerms(**right)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        ItemTerms(**(right | wrong))  # type: ignore[arg-type]


def test_without_a_file_every_default_is_told() -> None:
    terms, lines = read_items(None, ["a", "b"], defaults=ItemDefaults(prices={"a": 5.0}))
    assert terms["a"] == ItemTerms("a", 5.0, 3.0, 0.25 * 3.0 / 365)
    assert terms["b"] == ItemTerms("b", 10.0, 6.0, 0.25 * 6.0 / 365)
    assert lines == [
        "without an items file, unit_price is the mean price of the last 90 days of sales for 'a'",
        "without an items file, unit_price is 10 for 'b'",
        "without an items file, unit_cost is 60 % of unit price",
        "without an items file, holding_cost is 25 % of unit cost a year",
        "without an items file, shortage_cost is unit price - unit cost",
        "without an items file, order_cost is 0",
        "without an items file, lead_time is 3 days",
        "without an items file, review_period is 1 day",
        "without an items file, moq is 0 (no smallest order)",
        "without an items file, pack_size is 1 (single units)",
        "without an items file, max_order is none",
        "without an items file, shelf_life is none",
    ]


def test_a_full_file_needs_no_default(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "unique_id,unit_price,unit_cost,holding_cost,shortage_cost,order_cost,lead_time,"
        "review_period,moq,pack_size,max_order,shelf_life,category\n"
        "007,10,6,0.01,5,2,4,7,12,6,60,30,Tea\n8,1,1,0,0,0,1,1,0,1,,,\n",
    )
    terms, lines = read_items(path, ["8", "007"])
    assert list(terms) == ["8", "007"]
    # shortage cost 5 = margin 10 - 6 + goodwill 1
    assert terms["007"] == ItemTerms("007", 10, 6, 0.01, 1, 2, 0, 4, 7, 12, 6, 60, 30, "Tea")
    assert terms["007"].shortage_cost == 5
    assert terms["8"] == ItemTerms("8", 1, 1, 0, lead_time=1)
    assert lines == []


def test_missing_columns_and_empty_cells_are_told_apart(tmp_path: Path) -> None:
    path = written(tmp_path, "unique_id,unit_price,lead_time\na,8,2\nb,,\n")
    terms, lines = read_items(path, ["a", "b"], freq="W")
    assert (terms["a"].lead_time, terms["b"].lead_time) == (2, 3)
    assert terms["a"].holding_cost == pytest.approx(0.25 * 4.8 * 7 / 365)
    assert "items.csv leaves unit_price empty: 10 is used for 'b'" in lines
    assert "items.csv leaves lead_time empty: 3 weeks is used for 'b'" in lines
    assert "items.csv has no column holding_cost: 25 % of unit cost a year is used" in lines
    assert "items.csv has no column unit_cost: 60 % of unit price is used" in lines


def test_a_cost_alone_gives_a_price_above_it(tmp_path: Path) -> None:
    terms, lines = read_items(written(tmp_path, "unique_id,unit_cost\na,30\n"), ["a"])
    assert terms["a"].unit_price == pytest.approx(50)
    assert "items.csv has no column unit_price: unit cost / 0.6 is used" in lines
    free, _ = read_items(written(tmp_path, "unique_id,unit_cost\na,0\n"), ["a"])
    assert free["a"].unit_price == 10


def test_defaults_give_way_to_a_small_shortage_cost(tmp_path: Path) -> None:
    # The terms of the VN2 game: 0.2 a unit a week for holding, 1 a lost unit, no prices.
    path = written(tmp_path, "unique_id,holding_cost,shortage_cost\na,0.2,1\n")
    terms, lines = read_items(path, ["a"], freq="W")
    assert terms["a"].shortage_cost == pytest.approx(1)
    assert (terms["a"].unit_price, terms["a"].unit_cost, terms["a"].goodwill) == (10, 9, 0)
    assert (
        "items.csv has no column unit_cost: 60 % of unit price, suited to shortage_cost, is used"
        in lines
    )


def test_one_file_serves_a_selection_of_its_items(tmp_path: Path) -> None:
    path = written(tmp_path, "unique_id,brand,category\na,x,Tea\nb,y,Milk\n")
    terms, lines = read_items(path, ["b"], known=["a", "b"])
    assert list(terms) == ["b"]
    assert terms["b"].group == "Milk"
    assert "items.csv has the groups 'brand', 'category': category is used" in lines


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("unique_id,lead_time\na,3\n", ": has no row for 'b'; add a row for every item"),
        ("unique_id\na\nb\nB1\n", ", line 4: unique_id 'B1' is not an item of the sales; "),
        ("unique_id\na\nb\na\n", ", line 4: unique_id 'a' is already in line 2; keep one row"),
        ("sku,lead_time\na,3\n", "rename 'sku' to unique_id"),
        (
            "unique_id,leadtime\na,3\nb,3\n",
            ("column 'leadtime' is not known; rename it to lead_time"),
        ),
        ("unique_id,lead_time\na,3\nb,0\n", ", line 3: lead_time '0' must be >= 1"),
        ("unique_id,lead_time\na,3\nb,2.5\n", ", line 3: lead_time '2.5' is not a whole number"),
        ("unique_id,lead_time\na,3\nb,9999\n", ", line 3: lead_time '9999' must be <= 3650"),
        ("unique_id,unit_cost\na,3\nb,-1\n", ", line 3: unit_cost '-1' must be >= 0"),
        ("unique_id,unit_price\na,3\nb,0\n", ", line 3: unit_price '0' must be > 0"),
        ("unique_id,moq\na,3\nb,many\n", ", line 3: moq 'many' is not a number"),
        (
            "unique_id,unit_price,unit_cost\na,3,2\nb,3,4\n",
            (
                ", line 3: item 'b': a lost unit must "
                "not be a gain: unit_price 3 is below unit_cost 4; mend the row"
            ),
        ),
        (
            "unique_id,unit_price,unit_cost,shortage_cost\na,3,2,1\nb,3,1,1\n",
            (
                ", line 3: item 'b': "
                "goodwill must be finite and >= 0, got -1 (shortage_cost 1 less the margin 2"
            ),
        ),
        ("unique_id,goodwill,shortage_cost\na,3,2\nb,3,1\n", ": has shortage_cost and goodwill"),
        ("unique_id\n", ": has a header but no rows"),
    ],
)
def test_a_wrong_items_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SalesDataError) as caught:
        read_items(path, ["a", "b"])
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_stock_is_read_by_item(tmp_path: Path) -> None:
    path = written(tmp_path, "unique_id,on_hand,place\n007,12.0,top\nb,0,low\n", "stock.csv")
    assert read_stock(path) == {"007": 12, "b": 0}
    assert read_stock(path, ["b"], known=["007", "b"]) == {"b": 0}
    with pytest.raises(SalesDataError, match="unique_id '007' is not an item of the sales"):
        read_stock(path, ["b"])
    with pytest.raises(SalesDataError, match="has no row for 'c'"):
        read_stock(path, ["b", "c"], known=["007", "b", "c"])


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("-1", "must be >= 0"),
        ("1.5", "not a whole number"),
        ("", "on_hand is empty"),
        ("true", "not a number"),
        ("1e300", "must be <= 1e"),
    ],
)
def test_wrong_stock_is_refused(tmp_path: Path, cell: str, message: str) -> None:
    path = written(tmp_path, f"unique_id,on_hand\na,{cell}\n", "stock.csv")
    with pytest.raises(SalesDataError, match=f"line 2: .*{message}"):
        read_stock(path)


def test_open_orders_may_repeat_an_item_and_may_be_none(tmp_path: Path) -> None:
    path = written(
        tmp_path, "unique_id,due,quantity\nb,2024-05-02,3\na,2024-05-01,7\nb,2024-05-02,3\n"
    )
    order = OpenOrder("b", date(2024, 5, 2), 3)
    assert read_open_orders(path) == [order, OpenOrder("a", date(2024, 5, 1), 7), order]
    assert read_open_orders(written(tmp_path, "unique_id,due,quantity\n")) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,01/05/2024,1", "due '01/05/2024' is not an ISO date"),
        ("a,2024-05-01,0", "quantity '0' must be >= 1"),
        ("a,2024-05-01,-3", "quantity '-3' must be >= 1"),
        ("z,2024-05-01,1", "unique_id 'z' is not an item of the sales"),
    ],
)
def test_a_wrong_open_order_is_refused(tmp_path: Path, row: str, message: str) -> None:
    path = written(tmp_path, f"unique_id,due,quantity\n{row}\n")
    with pytest.raises(SalesDataError, match=f"line 2: {message}"):
        read_open_orders(path, known=["a"])


def test_an_order_of_nothing_is_no_order() -> None:
    with pytest.raises(ValueError, match="quantity must be >= 1, got 0"):
        OpenOrder("a", date(2024, 1, 1), 0)


def test_the_example_files_fit_together() -> None:
    stock = read_stock(EXAMPLES / "stock.csv")
    terms, lines = read_items(EXAMPLES / "items.csv", list(stock))
    orders = read_open_orders(EXAMPLES / "open_orders.csv", known=list(stock))
    assert terms["00417"].group == "Drinks"
    assert terms["01002"].shelf_life == 2
    assert sum(order.quantity for order in orders) == 156
    assert len(lines) == 3  # holding_cost, shortage_cost and review_period are left to defaults
