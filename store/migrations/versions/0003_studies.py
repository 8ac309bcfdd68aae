"""Studies, and which job is a trial of one."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Adds the table, and the columns by which a job refers to it."""
    op.create_table(
        "studies",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.String),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("idempotency_key", sa.String),
        sa.Column("body_digest", sa.String),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_studies")),
        sa.UniqueConstraint("id", name=op.f("uq_studies_id")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_studies_idempotency_key")),
        sqlite_autoincrement=True,
    )
    # In SQL, as both databases understand it: Alembic adds no reference to a table of SQLite without copying it.
    op.execute(
        "ALTER TABLE jobs ADD COLUMN study_id VARCHAR CONSTRAINT fk_jobs_study_id_studies REFERENCES studies (id)"
    )
    op.add_column("jobs", sa.Column("trial", sa.Integer))
    op.create_index(op.f("ix_jobs_study_id"), "jobs", ["study_id"])


def downgrade() -> None:
    """Forgets which jobs belonged together; the jobs stay."""
    op.drop_index(op.f("ix_jobs_study_id"), "jobs")
    op.drop_column("jobs", "trial")
    op.drop_column("jobs", "study_id")
    op.drop_table("studies")
