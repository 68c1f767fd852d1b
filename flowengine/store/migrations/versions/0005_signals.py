"""What processes beside the engine tell it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "signals",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
    )
