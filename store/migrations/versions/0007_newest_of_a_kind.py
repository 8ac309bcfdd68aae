"""The newest events of a kind are found at once, however many others a job has."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Adds the index."""
    op.create_index(op.f("ix_events_job_id_kind_sequence"), "events", ["job_id", "kind", "sequence"])


def downgrade() -> None:
    """Removes it."""
    op.drop_index(op.f("ix_events_job_id_kind_sequence"), "events")
