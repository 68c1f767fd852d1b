"""Finding the approvals that wait, among all actions there ever were."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    asking = sa.text("kind = 'ask' AND status = 'waiting'")
    # New databases had this index already while they still called themselves 0003.
    op.create_index(
        "actions_asking", "actions", ["run_id"], sqlite_where=asking, postgresql_where=asking, if_not_exists=True
    )
