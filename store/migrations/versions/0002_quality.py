"""Pictures are judged while a network learns: an event for it, and a headline for each checkpoint."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_INDEX = "uq_events_job_id_kind_step"
_BEFORE = sa.text("kind IN ('progress', 'metric', 'sample', 'checkpoint')")
_AFTER = sa.text("kind IN ('progress', 'metric', 'quality', 'sample', 'checkpoint')")


def upgrade() -> None:
    """Adds the column, and lets the event come once for each step."""
    op.add_column("checkpoints", sa.Column("headline", sa.Double))
    op.create_index(op.f("ix_checkpoints_dataset_family_headline"), "checkpoints", ["dataset", "family", "headline"])
    _index_once_per_step(_AFTER)


def downgrade() -> None:
    """Forgets what the pictures were judged by."""
    op.execute("DELETE FROM events WHERE kind = 'quality'")
    _index_once_per_step(_BEFORE)
    op.drop_index(op.f("ix_checkpoints_dataset_family_headline"), "checkpoints")
    op.drop_column("checkpoints", "headline")


def _index_once_per_step(kinds: sa.TextClause) -> None:
    op.drop_index(op.f(_INDEX), "events")
    op.create_index(
        op.f(_INDEX),
        "events",
        ["job_id", "kind", "step"],
        unique=True,
        sqlite_where=kinds,
        postgresql_where=kinds,
    )
