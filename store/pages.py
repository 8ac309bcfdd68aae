"""Lists in pages, newest first. A cursor is the number of a page's last row, so new rows shift no page."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, RowMapping, Select, Table

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
) -> Page[T]:
    """At most `limit` rows of the query, the newest first, below the cursor.

    Raises InvalidCursorError if a list of this table did not give out the cursor.
    """
    number = table.c.number
    if cursor is not None:
        query = query.where(number < _number(table, cursor))
    rows = connection.execute(query.order_by(number.desc()).limit(limit + 1)).mappings().all()
    more = len(rows) > limit
    items = tuple(build(row) for row in rows[:limit])
    return Page(items, _cursor(table, rows[limit - 1]["number"]) if more else None)


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
