"""A database of the first schema with runs under way, and a process that dies while it brings the tables up to date."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from flowengine.spec.load import parse_flow
from flowengine.store import action_rows, events, flows, schema
from flowengine.store.codec import moment
from flowengine.store.seal import Seal
from flowengine.types import Status
from tests.acceptance.crash.database import change, rows
from tests.acceptance.crash.flows import TWO_CALLS
from tests.acceptance.crash.stage import Stage, stage
from tests.fakes.records import a_run, an_action, an_event

UNDER_WAY = 3
POINTS = [
    *(f"after_migration:{number}" for number in range(1, len(schema.VERSIONS))),
    "before_migration_commit",
    "after_migration_commit",
]

pytestmark = [pytest.mark.crash, pytest.mark.timeout(500)]


def first_schema(scene: Stage) -> None:
    """As the first version left it when its process died: a queued run, one whose first call is done, one that is due."""
    engine = create_engine(scene.database)
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")

        def put(statement, row) -> None:
            sql = statement.sql if engine.dialect.name == "sqlite" else statement.sql.replace("?", "%s")
            connection.exec_driver_sql(sql, row)

        file = scene.folder / "flows" / "two-calls.yaml"
        flow = parse_flow(file.read_bytes(), str(file), "two-calls")[0]
        began = datetime.now(UTC) - timedelta(minutes=5)
        put(flows.SAVE, ("two-calls", flow.version, flow.source.text, moment(began)))
        connection.exec_driver_sql("INSERT INTO meta (name, value) VALUES ('epoch', '4')")
        for number, status in enumerate((Status.QUEUED, Status.RUNNING, Status.WAITING)):
            value = {"number": number}
            event = an_event(
                flow="two-calls",
                trigger_kind="webhook",
                trigger_key=flow.triggers[0].key,
                dedupe_key=str(number),
                body=json.dumps(value).encode(),
                received_at=began,
            )
            run = a_run(
                event,
                flow="two-calls",
                flow_version=flow.version,
                trigger_kind="webhook",
                trigger=value,
                status=status,
                created_at=began,
                started_at=None if status is Status.QUEUED else began,
                due_at=began if status is Status.WAITING else None,
                epoch=4,
            )
            for write in events.accepting(event, [run]).writes:
                put(write.statement, write.row)
            if status is Status.RUNNING:
                done = an_action(run, path=("first",), name="First", status=Status.SUCCEEDED, finished_at=began)
                put(action_rows.PUT, action_rows.put(done, 4, Seal(None)).row)
                scene.witness_file.write_text(witnessed(scene, run.id, began))
            scene.acknowledged.add(number)
    engine.dispose()


def witnessed(scene: Stage, run_id: str, at: datetime) -> str:
    """The call that the first version made."""
    line = {"at": at.timestamp() - 1, "path": "/ok/first-1", "key": f"{run_id}:first", "body": "{}"}
    return json.dumps(line) + "\n"


def found_version(database: str) -> str:
    ((found,),) = rows(database, "SELECT version_num FROM alembic_version")
    return str(found)


async def test_killed_while_the_tables_are_changed(tmp_path: Path, database_url: str) -> None:
    """Again and again: all migrations are one commit, so that each start finds the first schema or the last."""
    async with stage(tmp_path, database_url) as scene:
        scene.write_flow("two-calls", TWO_CALLS)
        await asyncio.to_thread(first_schema, scene)
        for point in POINTS:
            assert found_version(database_url) == "0001"
            await scene.killed_at(point)
        assert found_version(database_url) == schema.VERSIONS[-1]
        async with scene.engine():
            await scene.send([*range(UNDER_WAY), UNDER_WAY])
            assert await scene.settled(UNDER_WAY + 1) == ["succeeded"] * (UNDER_WAY + 1)
        calls = [call["path"] for call in scene.calls]
        assert len(calls) == len(set(calls)) == 2 * (UNDER_WAY + 1), "what the first version had done is not done again"
        assert scene.broken_promises() == []


async def test_an_older_program_leaves_a_newer_database_alone(tmp_path: Path, database_url: str) -> None:
    async with stage(tmp_path, database_url) as scene:
        scene.write_flow("two-calls", TWO_CALLS)
        async with scene.engine():
            await scene.send([0])
            await scene.settled(1)
        change(database_url, "UPDATE alembic_version SET version_num = '9999'")
        async with scene.engine() as process:
            assert process.returncode == 2
        told = (tmp_path / "serve.log").read_text()
        assert "written by a newer flowengine (schema 9999" in told
        assert "Traceback" not in told
        assert found_version(database_url) == "9999"
