"""Who measured a headline: what two judges have measured cannot be compared."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds the column; who measured what is there already, nobody noted."""
    op.add_column("checkpoints", sa.Column("judge", sa.String))


def downgrade() -> None:
    """Forgets who measured; the headlines stay."""
    op.drop_column("checkpoints", "judge")
