"""The tables. Text keys and a hidden row id on SQLite: a clustered table writes three times slower there.

Nothing reads or writes through these objects; they say what the schema is, for making it and for comparing it with the
migrations. Statements are plain SQL beside the faces that use them, so that reading needs no more than a database driver.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, Table, Text, text

metadata = MetaData()


def _text(name: str, *, key: bool = False, required: bool = True) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=not (key or required))


def _moment(name: str, *, required: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=not required)


meta = Table("meta", metadata, _text("name", key=True), _text("value"))

events = Table(
    "events",
    metadata,
    _text("id", key=True),
    _text("flow"),
    _text("trigger_kind"),
    _text("trigger_name"),
    _text("trigger_key"),
    _moment("received_at", required=True),
    _text("disposition"),
    _text("reason", required=False),
    _text("dedupe_key", required=False),
    Column("body", LargeBinary, nullable=False),
    _text("headers"),
    _text("source"),
    Index("events_by_flow", "flow", "id"),
)
# Most events start a run; the others are what people look for.
Index(
    "events_not_started",
    events.c.disposition,
    events.c.id,
    sqlite_where=text("disposition <> 'started'"),
    postgresql_where=text("disposition <> 'started'"),
)

dedupe_keys = Table(
    "dedupe_keys",
    metadata,
    _text("flow", key=True),
    _text("trigger_key", key=True),
    _text("dedupe_key", key=True),
    _text("event_id"),
    _moment("seen_at", required=True),
)

runs = Table(
    "runs",
    metadata,
    _text("id", key=True),
    _text("flow"),
    _text("flow_version"),
    _text("status"),
    _text("event_id", required=False),
    _text("trigger_kind"),
    _text("trigger_name"),
    _moment("created_at", required=True),
    _text("trigger_body", required=False),
    _text("inputs"),
    _text("lane_key", required=False),
    _moment("started_at"),
    _moment("finished_at"),
    _moment("due_at"),
    _text("error", required=False),
    _text("output", required=False),
    Column("recoveries", Integer, nullable=False),
    _text("resubmitted_from", required=False),
    _text("parent_run", required=False),
    _text("parent_path", required=False),
    Column("epoch", BigInteger, nullable=False),
    Column("progress", Integer, nullable=False),
    Index("runs_by_flow", "flow", "id"),
)
_UNFINISHED = text("finished_at IS NULL")
_BROKEN = text("status IN ('failed', 'timed_out', 'cancelled')")
_CHILD = text("parent_run IS NOT NULL")
_AGAIN = text("resubmitted_from IS NOT NULL")
_EVENT = text("event_id IS NOT NULL")
Index("runs_unfinished", runs.c.status, runs.c.due_at, sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED)
Index("runs_broken", runs.c.status, runs.c.id, sqlite_where=_BROKEN, postgresql_where=_BROKEN)
Index("runs_again", runs.c.resubmitted_from, sqlite_where=_AGAIN, postgresql_where=_AGAIN)
Index("runs_of_event", runs.c.event_id, sqlite_where=_EVENT, postgresql_where=_EVENT)
Index("runs_of_call", runs.c.parent_run, runs.c.parent_path, unique=True, sqlite_where=_CHILD, postgresql_where=_CHILD)

actions = Table(
    "actions",
    metadata,
    _text("run_id", key=True),
    _text("path", key=True),
    Column("number", Integer, nullable=False),
    _text("name"),
    _text("kind"),
    _text("status"),
    _moment("started_at", required=True),
    _moment("finished_at"),
    _moment("due_at"),
    _text("attempts", required=False),
    _text("inputs", required=False),
    _text("outputs", required=False),
    _text("error", required=False),
    _text("skipped_because", required=False),
    _text("secure", required=False),
)

_ASKING = text("kind = 'ask' AND status = 'waiting'")
Index("actions_asking", actions.c.run_id, sqlite_where=_ASKING, postgresql_where=_ASKING)

marks = Table(
    "marks",
    metadata,
    _text("run_id", key=True),
    _text("path", key=True),
    _text("kind", key=True),
    _text("value", required=False),
    _moment("made_at", required=True),
)

signals = Table("signals", metadata, _text("id", key=True), _text("run_id"), _text("about"))

flow_versions = Table(
    "flow_versions",
    metadata,
    _text("flow", key=True),
    _text("version", key=True),
    _text("content"),
    _moment("saved_at", required=True),
)

flow_switches = Table(
    "flow_switches",
    metadata,
    _text("flow", key=True),
    Column("enabled", Boolean, nullable=False),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    _text("flow", key=True),
    _text("trigger_key", key=True),
    _text("connector"),
    _text("operation"),
    _text("connection", required=False),
    _text("callback_url"),
    _text("fingerprint"),
    _text("state"),
    _moment("updated_at", required=True),
    _text("external_id", required=False),
    _text("location"),
    _text("secret_digest"),
    _text("error"),
    Column("failures", Integer, nullable=False),
)

polls = Table(
    "polls",
    metadata,
    _text("flow", key=True),
    _text("trigger_key", key=True),
    _text("cursor_value", required=False),
    _text("seen"),
    _moment("polled_at", required=True),
)

schedules = Table(
    "schedules",
    metadata,
    _text("flow", key=True),
    _text("trigger_key", key=True),
    _moment("settled_at", required=True),
)

secrets = Table(
    "secrets",
    metadata,
    _text("name", key=True),
    _text("value"),
    _moment("changed_at", required=True),
)

# Who may come in. Of tokens and session keys only digests are kept.
tokens = Table(
    "tokens",
    metadata,
    _text("id", key=True),
    _text("name"),
    _text("role"),
    _text("digest"),
    _moment("created_at", required=True),
    _moment("expires_at"),
    _moment("last_used_at"),
    _moment("revoked_at"),
    Index("tokens_by_digest", "digest", unique=True),
)

sessions = Table(
    "sessions",
    metadata,
    _text("digest", key=True),
    _text("name"),
    _text("role"),
    _text("token_id", required=False),
    _moment("created_at", required=True),
    _moment("expires_at", required=True),
)

replies = Table(
    "replies",
    metadata,
    _text("caller", key=True),
    _text("key", key=True),
    _text("fingerprint"),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _moment("made_at", required=True),
)

audit = Table(
    "audit",
    metadata,
    _text("id", key=True),
    _moment("at", required=True),
    _text("actor"),
    _text("action"),
    _text("target"),
    _text("detail", required=False),
    _text("source"),
)
