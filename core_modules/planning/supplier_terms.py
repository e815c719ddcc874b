"""What suppliers ask for: a minimum value an order, and the weekdays on which they take orders."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from core_modules.history_files.sales_errors import SalesDataError, listed, quoted

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = tuple(range(7))


@dataclass(frozen=True, slots=True)
class Supplier:
    """One supplier; an item names its supplier in the items file's column `supplier`."""

    name: str
    minimum_order_value: float = 0.0  # money an order over all its items, >= 0; 0: none
    order_days: tuple[int, ...] = EVERY_DAY  # weekdays on whose evening it takes orders, Monday 0

    def takes_orders(self, day: date) -> bool:
        """Tell whether an order may go out on the evening of a day."""
        return day.weekday() in self.order_days

    def next_order_day(self, day: date) -> date:
        """Return the next day after `day` on which an order may go out.

        >>> Supplier("a", order_days=(0, 3)).next_order_day(date(2024, 4, 8))
        datetime.date(2024, 4, 11)
        """
        return next(
            later
            for later in (day + timedelta(days=ahead) for ahead in range(1, 8))
            if self.takes_orders(later)
        )


def read_suppliers(path: Path) -> dict[str, Supplier]:
    """Return suppliers by name from a CSV or TOML file.

    CSV: `supplier` and `minimum_order_value` or `order_days` or both, order days as weekdays with
    blanks between them (`mon thu`), empty for every day. TOML: a [[supplier]] table each, with the
    keys `supplier`, `minimum_order_value`, `order_days = ["mon", "thu"]`.

    Raises SalesDataError where the file is neither or a value is none.
    """
    rows = _toml_rows(path) if path.suffix.lower() == ".toml" else _csv_rows(path)
    suppliers: dict[str, Supplier] = {}
    for place, name, minimum, days in rows:
        if name in suppliers:
            raise SalesDataError(f"{place}: supplier {quoted(name)} is there twice; keep one")
        suppliers[name] = Supplier(name, minimum, _weekdays(days, place))
    return suppliers


def _weekdays(names: Sequence[str], place: str) -> tuple[int, ...]:
    for name in names:
        if name.lower()[:3] not in WEEKDAYS:
            raise SalesDataError(
                f"{place}: order_days {quoted(name)} is no weekday; write them like mon thu"
            )
    found = {WEEKDAYS.index(name.lower()[:3]) for name in names}
    return tuple(sorted(found)) or EVERY_DAY


def _csv_rows(path: Path) -> list[tuple[str, str, float, list[str]]]:
    from core_modules.history_files.sales_columns import numbers, refuse_misspelt, require_columns
    from core_modules.history_files.sales_files import read_table

    table = read_table(path)
    known = ("supplier", "minimum_order_value", "order_days")
    require_columns(table, ("supplier",), {"supplier": ("name", "vendor")})
    others = [name for name in table.columns if name not in known]
    refuse_misspelt(table, known, others, {"minimum_order_value": ("mov", "minimum")})
    if others:
        table.refuse(
            f"has the unknown columns {listed(others)}; the columns are {listed([*known])}"
        )
    minimum = [0.0] * table.rows
    if "minimum_order_value" in table:
        column = numbers(table, "minimum_order_value", blank=True)
        minimum = [0.0 if value != value else value for value in column.tolist()]
    rows = []
    for row, least in enumerate(minimum):
        name = table.cell(row, "supplier").strip()
        if not name:
            table.refuse("supplier is empty; name it", row)
        days = table.cell(row, "order_days").split() if "order_days" in table else []
        rows.append((f"{path}, {table.place(row)}", name, least, days))
    return rows


def _toml_rows(path: Path) -> list[tuple[str, str, float, list[str]]]:
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise SalesDataError(f"{path}: there is no such file; check the path") from None
    except OSError as error:
        raise SalesDataError(f"{path}: cannot be read ({error.strerror}); mend that") from None
    except ValueError as error:
        raise SalesDataError(f"{path}: not valid TOML: {error}") from None
    tables = content.get("supplier")
    if set(content) != {"supplier"} or not isinstance(tables, list) or not tables:
        raise SalesDataError(f"{path}: write each supplier as a table [[supplier]], nothing else")
    return [_toml_row(f"{path}, supplier {number}", one) for number, one in enumerate(tables, 1)]


def _toml_row(place: str, table: Mapping[str, Any]) -> tuple[str, str, float, list[str]]:
    for key in table:
        if key not in ("supplier", "minimum_order_value", "order_days"):
            raise SalesDataError(
                f"{place}: key {quoted(key)} is not known; the keys are supplier, "
                "minimum_order_value and order_days"
            )
    name, least = table.get("supplier"), table.get("minimum_order_value", 0.0)
    days = table.get("order_days", [])
    if not isinstance(name, str) or not name:
        raise SalesDataError(f"{place}: supplier must be its name in quotes")
    if isinstance(least, bool) or not isinstance(least, (int, float)) or not 0 <= least < 1e12:
        raise SalesDataError(f"{place}: minimum_order_value must be a number >= 0, got {least!r}")
    if not isinstance(days, list) or not all(isinstance(day, str) for day in days):
        raise SalesDataError(f'{place}: order_days must be a list such as ["mon", "thu"]')
    return place, name, float(least), days
