"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "meta",
        sa.Column("name", sa.Text, nullable=False, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Text, nullable=False, primary_key=True),
        sa.Column("flow", sa.Text, nullable=False),
        sa.Column("trigger_kind", sa.Text, nullable=False),
        sa.Column("trigger_name", sa.Text, nullable=False),
        sa.Column("trigger_key", sa.Text, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("disposition", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=True),
        sa.Column("dedupe_key", sa.Text, nullable=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("headers", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
    )
    op.create_table(
        "dedupe_keys",
        sa.Column("flow", sa.Text, nullable=False, primary_key=True),
        sa.Column("trigger_key", sa.Text, nullable=False, primary_key=True),
        sa.Column("dedupe_key", sa.Text, nullable=False, primary_key=True),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Text, nullable=False, primary_key=True),
        sa.Column("flow", sa.Text, nullable=False),
        sa.Column("flow_version", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=True),
        sa.Column("trigger_kind", sa.Text, nullable=False),
        sa.Column("trigger_name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("trigger_body", sa.Text, nullable=True),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.Column("lane_key", sa.Text, nullable=True),
        sa.Column("started_at", sa.BigInteger, nullable=True),
        sa.Column("finished_at", sa.BigInteger, nullable=True),
        sa.Column("due_at", sa.BigInteger, nullable=True),
        sa.Column("error", sa.Text, nullable=True),
        sa.Column("output", sa.Text, nullable=True),
        sa.Column("recoveries", sa.Integer, nullable=False),
        sa.Column("resubmitted_from", sa.Text, nullable=True),
        sa.Column("parent_run", sa.Text, nullable=True),
        sa.Column("parent_path", sa.Text, nullable=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("progress", sa.Integer, nullable=False),
    )
    op.create_table(
        "actions",
        sa.Column("run_id", sa.Text, nullable=False, primary_key=True),
        sa.Column("path", sa.Text, nullable=False, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger, nullable=True),
        sa.Column("due_at", sa.BigInteger, nullable=True),
        sa.Column("attempts", sa.Text, nullable=True),
        sa.Column("inputs", sa.Text, nullable=True),
        sa.Column("outputs", sa.Text, nullable=True),
        sa.Column("error", sa.Text, nullable=True),
        sa.Column("skipped_because", sa.Text, nullable=True),
        sa.Column("secure", sa.Text, nullable=True),
    )
    op.create_table(
        "marks",
        sa.Column("run_id", sa.Text, nullable=False, primary_key=True),
        sa.Column("path", sa.Text, nullable=False, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False, primary_key=True),
        sa.Column("value", sa.Text, nullable=True),
        sa.Column("made_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "flow_versions",
        sa.Column("flow", sa.Text, nullable=False, primary_key=True),
        sa.Column("version", sa.Text, nullable=False, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("saved_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "flow_switches",
        sa.Column("flow", sa.Text, nullable=False, primary_key=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
    )
    op.create_table(
        "subscriptions",
        sa.Column("flow", sa.Text, nullable=False, primary_key=True),
        sa.Column("trigger_key", sa.Text, nullable=False, primary_key=True),
        sa.Column("connector", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("connection", sa.Text, nullable=True),
        sa.Column("callback_url", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("external_id", sa.Text, nullable=True),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("secret_digest", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
    )
    op.create_table(
        "polls",
        sa.Column("flow", sa.Text, nullable=False, primary_key=True),
        sa.Column("trigger_key", sa.Text, nullable=False, primary_key=True),
        sa.Column("cursor_value", sa.Text, nullable=True),
        sa.Column("seen", sa.Text, nullable=False),
        sa.Column("polled_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "schedules",
        sa.Column("flow", sa.Text, nullable=False, primary_key=True),
        sa.Column("trigger_key", sa.Text, nullable=False, primary_key=True),
        sa.Column("settled_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text, nullable=False, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_index("events_by_flow", "events", ["flow", "id"])
    op.create_index(
        "events_not_started",
        "events",
        ["disposition", "id"],
        sqlite_where=sa.text("disposition <> 'started'"),
        postgresql_where=sa.text("disposition <> 'started'"),
    )
    op.create_index(
        "runs_broken",
        "runs",
        ["status", "id"],
        sqlite_where=sa.text("status IN ('failed', 'timed_out', 'cancelled')"),
        postgresql_where=sa.text("status IN ('failed', 'timed_out', 'cancelled')"),
    )
    op.create_index("runs_by_flow", "runs", ["flow", "id"])
    op.create_index(
        "runs_of_call",
        "runs",
        ["parent_run", "parent_path"],
        unique=True,
        sqlite_where=sa.text("parent_run IS NOT NULL"),
        postgresql_where=sa.text("parent_run IS NOT NULL"),
    )
    op.create_index(
        "runs_of_event",
        "runs",
        ["event_id"],
        sqlite_where=sa.text("event_id IS NOT NULL"),
        postgresql_where=sa.text("event_id IS NOT NULL"),
    )
    op.create_index(
        "runs_unfinished",
        "runs",
        ["status", "due_at"],
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
