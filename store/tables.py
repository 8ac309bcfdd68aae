"""The tables. A change here needs a revision in migrations/versions; a test compares the two.

Times are seconds since 1970 (UTC) as floating-point numbers.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    TextClause,
    TypeDecorator,
    UniqueConstraint,
    text,
)

LARGEST_INTEGER = 2**63 - 1
"""What both databases can store, and compare with."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


class Text(TypeDecorator[str]):
    """Text in which a character that no database stores (NUL, half a surrogate pair) becomes a mark.

    So a name from outside that holds one is simply not found.
    """

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The text with U+FFFD for NUL and "?" for half a surrogate pair."""
        return None if value is None else value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _number() -> Column[Any]:
    """The order in which rows were inserted; SQLite counts up by itself in an INTEGER key only."""
    return Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


studies = Table(
    "studies",
    metadata,
    _number(),
    Column("id", Text, nullable=False, unique=True),
    Column("name", Text),
    Column("request", JSON, nullable=False),
    Column("idempotency_key", Text, unique=True),
    Column("body_digest", Text),
    Column("created_at", Double, nullable=False),
    sqlite_autoincrement=True,
)

jobs = Table(
    "jobs",
    metadata,
    _number(),
    Column("id", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False, index=True),
    Column("request", JSON, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("total_steps", BigInteger, nullable=False),
    Column("rate", Double),
    Column("phase", Text),
    Column("remaining_seconds", Double),
    Column("error", JSON(none_as_null=True)),
    Column("checkpoint_step", BigInteger),
    Column("event_count", BigInteger, nullable=False),
    Column("owner", Text),
    Column("token", BigInteger, nullable=False),
    Column("lease_until", Double),
    Column("preempt", Boolean, nullable=False),
    Column("rung_at", Double),
    Column("idempotency_key", Text, unique=True),
    Column("body_digest", Text),
    Column("study_id", Text, ForeignKey("studies.id"), index=True),
    Column("trial", Integer),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("updated_at", Double, nullable=False),
    sqlite_autoincrement=True,
)

_ONCE_PER_STEP = text("kind IN ('progress', 'metric', 'quality', 'sample', 'checkpoint')")

events = Table(
    "events",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.id"), primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("step", BigInteger),
    Column("data", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Index(
        "uq_events_job_id_kind_step",
        "job_id",
        "kind",
        "step",
        unique=True,
        sqlite_where=_ONCE_PER_STEP,
        postgresql_where=_ONCE_PER_STEP,
    ),
    Index(None, "job_id", "kind", "sequence"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    _number(),
    Column("id", Text, nullable=False, unique=True),
    Column("job_id", Text, ForeignKey("jobs.id"), nullable=False),
    Column("family", Text, nullable=False),
    Column("preset", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("images_seen", BigInteger, nullable=False),
    Column("path", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("headline", Double),
    Column("judge", Text),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("job_id", "step"),
    Index(None, "dataset", "family", "headline"),
    sqlite_autoincrement=True,
)

_KEPT = text("deleted_at IS NULL")
_IN_TRASH = text("deleted_at IS NOT NULL")


def _partial(name: str, condition: TextClause, *columns: str) -> Index:
    """An index of the rows alone that meet the condition."""
    return Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


pictures = Table(
    "pictures",
    metadata,
    _number(),
    Column("id", Text, nullable=False, unique=True),
    Column("url", Text, nullable=False, unique=True),
    Column("checkpoint_id", Text, nullable=False),
    Column("checkpoint_digest", Text, nullable=False),
    Column("family", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("label", Text),
    Column("seed", BigInteger, nullable=False),
    Column("index", Integer),
    Column("count", Integer, nullable=False),
    Column("score", Double),
    Column("version", Text, nullable=False),
    Column("digest", Text, nullable=False, index=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("starred", Boolean, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("deleted_at", Double),
    _partial("ix_pictures_kept", _KEPT, "number"),
    _partial("ix_pictures_kept_family", _KEPT, "family", "number"),
    _partial("ix_pictures_kept_dataset", _KEPT, "dataset", "number"),
    _partial("ix_pictures_kept_label", _KEPT, "label", "number"),
    _partial("ix_pictures_kept_seed", _KEPT, "seed", "number"),
    _partial("ix_pictures_kept_starred", _KEPT, "starred", "number"),
    _partial("ix_pictures_in_trash", _IN_TRASH, "number", "deleted_at"),
    sqlite_autoincrement=True,
)

picture_terms = Table(
    "picture_terms",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("term", Text, primary_key=True),
    Column("number", BigInteger, ForeignKey("pictures.number"), primary_key=True, index=True),
    sqlite_with_rowid=False,  # the key is the table: a list of numbers, in order, for each term
)

aliases = Table(
    "aliases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("checkpoint_id", Text, nullable=False),
    Column("updated_at", Double, nullable=False),
)
