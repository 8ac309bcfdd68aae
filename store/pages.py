"""Lists in pages, newest first unless the oldest are asked for.

A cursor is the number of a page's last row, so new rows shift no page.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Table

from store.errors import InvalidCursorError
from store.tables import LARGEST_INTEGER

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list, and where the next ones begin: None at the end."""

    items: tuple[T, ...]
    next_cursor: str | None


def read_page(
    connection: Connection,
    table: Table,
    query: Select[Any],
    build: Callable[[RowMapping], T],
    *,
    limit: int,
    cursor: str | None,
    oldest_first: bool = False,
    number: ColumnElement[int] | None = None,
) -> Page[T]:
    """At most `limit` rows of the query behind the cursor, the newest first unless told otherwise.

    number: a column that equals the table's number, by which the database shall find the rows in their order. Raises
    InvalidCursorError if a list of this table did not give out the cursor.
    """
    number = table.c.number if number is None else number
    if cursor is not None:
        last = _number(table, cursor)
        query = query.where(number > last if oldest_first else number < last)
    ordered = query.order_by(number.asc() if oldest_first else number.desc())
    rows = connection.execute(ordered.limit(limit + 1)).mappings().all()
    more = len(rows) > limit
    items = tuple(build(row) for row in rows[:limit])
    return Page(items, _cursor(table, rows[limit - 1]["number"]) if more else None)


@dataclass(frozen=True, slots=True)
class PageBefore:
    """Where the page before a cursor begins. cursor: None is the beginning of the list."""

    cursor: str | None


def find_page_before(
    connection: Connection,
    table: Table,
    query: Select[Any],
    *,
    limit: int,
    cursor: str,
    oldest_first: bool = False,
    number: ColumnElement[int] | None = None,
) -> PageBefore | None:
    """Tell where the page begins that ends at the cursor; None where nothing comes before it.

    The arguments are those of read_page. Raises InvalidCursorError.
    """
    number = table.c.number if number is None else number
    last = _number(table, cursor)
    query = query.with_only_columns(number).where(number <= last if oldest_first else number >= last)
    back = query.order_by(number.desc() if oldest_first else number.asc()).limit(limit + 1)
    numbers = connection.scalars(back).all()
    if not numbers:
        return None
    return PageBefore(_cursor(table, numbers[limit]) if len(numbers) > limit else None)


def _cursor(table: Table, number: int) -> str:
    return base64.urlsafe_b64encode(f"{table.name}:{number}".encode()).decode().rstrip("=")


def _number(table: Table, cursor: str) -> int:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        name, _, number = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii").partition(":")
    except (UnicodeError, binascii.Error):
        raise InvalidCursorError(cursor) from None
    if name != table.name or not number.isdecimal() or int(number) > LARGEST_INTEGER:
        raise InvalidCursorError(cursor)
    return int(number)
