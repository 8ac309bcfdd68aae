"""Jobs, their events, trained checkpoints, aliases."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_ONCE_PER_STEP = sa.text("kind IN ('progress', 'metric', 'sample', 'checkpoint')")


def upgrade() -> None:
    """Creates every table."""
    op.create_table(
        "jobs",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("max_attempts", sa.Integer, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("total_steps", sa.BigInteger, nullable=False),
        sa.Column("rate", sa.Double),
        sa.Column("error", sa.JSON),
        sa.Column("checkpoint_step", sa.BigInteger),
        sa.Column("event_count", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.String),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.Double),
        sa.Column("preempt", sa.Boolean, nullable=False),
        sa.Column("rung_at", sa.Double),
        sa.Column("idempotency_key", sa.String),
        sa.Column("body_digest", sa.String),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("started_at", sa.Double),
        sa.Column("finished_at", sa.Double),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_jobs")),
        sa.UniqueConstraint("id", name=op.f("uq_jobs_id")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_jobs_idempotency_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_jobs_state"), "jobs", ["state"])
    op.create_table(
        "events",
        sa.Column("job_id", sa.String, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("step", sa.BigInteger),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "sequence", name=op.f("pk_events")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_events_job_id_jobs")),
    )
    op.create_index(
        op.f("uq_events_job_id_kind_step"),
        "events",
        ["job_id", "kind", "step"],
        unique=True,
        sqlite_where=_ONCE_PER_STEP,
        postgresql_where=_ONCE_PER_STEP,
    )
    op.create_table(
        "checkpoints",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("job_id", sa.String, nullable=False),
        sa.Column("family", sa.String, nullable=False),
        sa.Column("preset", sa.String, nullable=False),
        sa.Column("dataset", sa.String, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("images_seen", sa.BigInteger, nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_checkpoints")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_checkpoints_job_id_jobs")),
        sa.UniqueConstraint("id", name=op.f("uq_checkpoints_id")),
        sa.UniqueConstraint("job_id", "step", name=op.f("uq_checkpoints_job_id_step")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "aliases",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("checkpoint_id", sa.String, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_aliases")),
    )


def downgrade() -> None:
    """Removes every table."""
    for table in ("aliases", "checkpoints", "events", "jobs"):
        op.drop_table(table)
