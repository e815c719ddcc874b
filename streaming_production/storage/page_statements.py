"""The statements behind a page of a list, made once for each kind of question.

Making a statement costs more than running it, so what is asked for goes in as parameters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Integer,
    bindparam,
    func,
    or_,
)

from streaming_production.storage.engine import AnyRow, AnySelect
from streaming_production.storage.queries import DecisionQuery, ItemQuery, OrderQuery

ESCAPE = "/"


@dataclass(frozen=True, slots=True)
class PageStatements:
    """How many rows there are in all, and those of one page."""

    count: AnySelect
    page: AnySelect

    @classmethod
    def of(cls, chosen: AnySelect, *order: ColumnElement[Any]) -> Self:
        """Make both from what is chosen and how it is sorted."""
        size, offset = (bindparam(name, type_=Integer) for name in ("size", "offset"))
        page = chosen.order_by(*order).limit(size).offset(offset)
        return cls(chosen.with_only_columns(func.count()), page)

    def read(
        self,
        connection: Connection,
        asked: Mapping[str, Any],
        query: DecisionQuery | ItemQuery | OrderQuery,
    ) -> tuple[Sequence[AnyRow], int]:
        """Return the rows of the query's page, and how many there are in all."""
        total: int = connection.execute(self.count, asked).scalar_one()
        place = {"size": query.size, "offset": (query.page - 1) * query.size}
        return connection.execute(self.page, {**asked, **place}).all(), total


def mentions(*columns: Column[Any]) -> ColumnElement[bool]:
    """Return the condition that a column holds the words of the parameter `search`."""
    words: BindParameter[str] = bindparam("search")
    return or_(*(column.icontains(words, escape=ESCAPE) for column in columns))


def contained(words: str) -> str | None:
    """Return words as `mentions` takes them; None where nothing is searched for.

    >>> contained("50 %"), contained("")
    ('50 /%', None)
    """
    for sign in (ESCAPE, "%", "_"):
        words = words.replace(sign, ESCAPE + sign)
    return words or None
