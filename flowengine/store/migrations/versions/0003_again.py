"""Finding what was done again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    again = sa.text("resubmitted_from IS NOT NULL")
    op.create_index("runs_again", "runs", ["resubmitted_from"], sqlite_where=again, postgresql_where=again)
