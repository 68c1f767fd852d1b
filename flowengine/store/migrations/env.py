"""Alembic's entry: migrates over the connection that `schema.upgrade` hands in."""

from __future__ import annotations

from alembic import context

from flowengine import failpoints

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
    on_version_apply=lambda **_: failpoints.reach("after_migration"),
)
context.run_migrations()
