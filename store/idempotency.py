"""Keys by which a repeated request gets what the first one created."""

from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Table, select, update

from store.errors import IdempotencyConflictError

IDEMPOTENCY_SECONDS: Final = 24 * 3600.0
"""How long an idempotency key is remembered."""


_SINGULAR = {"jobs": "job", "studies": "study"}


def remembered(connection: Connection, table: Table, key: str, digest: str | None, now: float) -> RowMapping | None:
    """The row that this key created in the last 24 hours; an older one gives up the key.

    table: with the columns of a key, its digest and the time; each has keys of its own. The caller's transaction must
    exclude others that create. Raises IdempotencyConflictError if the key came with another digest.
    """
    query = select(table).where(table.c.idempotency_key == key)
    row: RowMapping | None = connection.execute(query).mappings().first()
    if row is None:
        return None
    if row["created_at"] <= now - IDEMPOTENCY_SECONDS:
        values: dict[str, Any] = {"idempotency_key": None}
        connection.execute(update(table).where(table.c.number == row["number"]).values(values))
        return None
    if row["body_digest"] != digest:
        raise IdempotencyConflictError(key, f"{_SINGULAR[table.name]} {row['id']}")
    return row
