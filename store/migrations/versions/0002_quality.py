"""Pictures are judged while a network learns: an event for it, and a headline for each checkpoint."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_CHOICES = {"quality_interval", "keep", "on_collapse"}
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
    _forget_choices()


def _forget_choices() -> None:
    """Take from what jobs were asked what the release before does not know, and would refuse to read."""
    jobs = sa.table("jobs", sa.column("number", sa.BigInteger), sa.column("request", sa.JSON))
    connection = op.get_bind()
    for number, request in connection.execute(sa.select(jobs.c.number, jobs.c.request)).all():
        known = {name: value for name, value in request.items() if name not in _CHOICES}
        connection.execute(sa.update(jobs).where(jobs.c.number == number).values(request=known))


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
