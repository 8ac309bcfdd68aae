"""A job at work tells what it does just now, and how long it will go on."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds the two columns."""
    op.add_column("jobs", sa.Column("phase", sa.String))
    op.add_column("jobs", sa.Column("remaining_seconds", sa.Double))


def downgrade() -> None:
    """Forgets both."""
    op.drop_column("jobs", "remaining_seconds")
    op.drop_column("jobs", "phase")
