"""Pictures that people kept, and the words and tags by which they are found."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_KEPT = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    """Adds the two tables."""
    op.create_table(
        "pictures",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("checkpoint_id", sa.String, nullable=False),
        sa.Column("checkpoint_digest", sa.String, nullable=False),
        sa.Column("family", sa.String, nullable=False),
        sa.Column("dataset", sa.String, nullable=False),
        sa.Column("label", sa.String),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("index", sa.Integer),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("score", sa.Double),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("starred", sa.Boolean, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Column("deleted_at", sa.Double),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_pictures")),
        sa.UniqueConstraint("id", name=op.f("uq_pictures_id")),
        sa.UniqueConstraint("url", name=op.f("uq_pictures_url")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_pictures_digest"), "pictures", ["digest"])
    _create_partial("ix_pictures_kept", _KEPT, "number")
    for column in ("family", "dataset", "label", "seed", "starred"):
        _create_partial(f"ix_pictures_kept_{column}", _KEPT, column, "number")
    _create_partial("ix_pictures_in_trash", sa.text("deleted_at IS NOT NULL"), "number", "deleted_at")
    op.create_table(
        "picture_terms",
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("term", sa.String, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["number"], ["pictures.number"], name=op.f("fk_picture_terms_number_pictures")),
        sa.PrimaryKeyConstraint("kind", "term", "number", name=op.f("pk_picture_terms")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_picture_terms_number"), "picture_terms", ["number"])


def downgrade() -> None:
    """Forgets the pictures; their files stay."""
    op.drop_table("picture_terms")
    op.drop_table("pictures")


def _create_partial(name: str, condition: sa.TextClause, *columns: str) -> None:
    op.create_index(op.f(name), "pictures", list(columns), sqlite_where=condition, postgresql_where=condition)
