"""Who may come in: tokens, sessions of signed-in people, and the answers that repeated requests get again.

A token or a session's key is 32 random bytes; only its SHA-256 is kept. No salt and no slow hash: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flowengine.errors import Conflict, NotFound
from flowengine.store.codec import from_moment, moment, time_of, to_moment
from flowengine.store.database import Reader
from flowengine.store.ids import new_id
from flowengine.store.journal import Journal, Part, Statement, Write
from flowengine.store.queries import insert_into
from flowengine.store.units import Row
from flowengine.types import Clock

COMMANDS: Final = "commands of this project"
"""The label of the token that commands beside an engine derive from the project's key: who reads that may do anything anyway."""
PREFIX: Final = "fe_"
"""What every token begins with, so that scanners for leaked keys can know one."""
USE_NOTED_EVERY: Final = timedelta(minutes=1)

TOKEN_COLUMNS = "id, name, role, digest, created_at, expires_at, last_used_at, revoked_at"  # noqa: S105  # names of columns
SESSION_COLUMNS = "digest, name, role, token_id, created_at, expires_at"
REPLY_COLUMNS = "caller, key, fingerprint, status, body, made_at"

ADD_TOKEN = Statement(insert_into("tokens", TOKEN_COLUMNS))
REVOKE = Statement("UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL")
END_SESSIONS_OF = Statement("DELETE FROM sessions WHERE token_id = ?")
NOTE_USE = Statement("UPDATE tokens SET last_used_at = ? WHERE id = ?")
ADD_SESSION = Statement(insert_into("sessions", SESSION_COLUMNS))
END_SESSION = Statement("DELETE FROM sessions WHERE digest = ?")
END_OLD_SESSIONS = Statement("DELETE FROM sessions WHERE expires_at < ?")
KEEP_REPLY = Statement(insert_into("replies", REPLY_COLUMNS) + " ON CONFLICT DO NOTHING")
FORGET_REPLIES = Statement("DELETE FROM replies WHERE made_at < ?")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """A token, without what makes it one."""

    id: str
    name: str
    role: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it lets anybody in."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """A person who signed in, in one browser."""

    name: str
    role: str
    expires_at: datetime
    token_id: str | None = None
    """The token that was signed in with; its end is the session's."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request with an `Idempotency-Key` was answered."""

    fingerprint: str
    status: int
    body: bytes


def digest(key: str) -> str:
    """What is kept of a token or a session's key."""
    return hashlib.sha256(key.encode()).hexdigest()


class Access:
    """Tokens, sessions and replies."""

    def __init__(self, reader: Reader, journal: Journal | None, clock: Clock) -> None:
        self._reader = reader
        self._journal = journal
        self._clock = clock

    async def add_token(self, name: str, role: str, expires_at: datetime | None = None) -> tuple[TokenRecord, str]:
        """Make a token; its text is given here and never again. Raises `Conflict` for the name of one in force."""
        now = self._clock.now()
        if any(one.name == name and one.holds(now) for one in await self.tokens()):
            raise Conflict(f'there is a token "{name}" already: revoke it first, or choose another name')
        text = PREFIX + secrets.token_urlsafe(32)
        record = TokenRecord(id=new_id(self._clock), name=name, role=role, created_at=now, expires_at=expires_at)
        row = (record.id, name, role, digest(text), moment(now), to_moment(expires_at), None, None)
        await self._commit(Write(ADD_TOKEN, row, record.id))
        return record, text

    async def tokens(self) -> list[TokenRecord]:
        """Every token, the newest first."""
        sql = f"SELECT {TOKEN_COLUMNS} FROM tokens ORDER BY id DESC"  # noqa: S608
        return [token_of(row) for row in await self._reader.rows(sql)]

    async def token(self, text: str) -> TokenRecord | None:
        """The token in force that this is."""
        return await self._one_in_force("digest", digest(text))

    async def revoke(self, reference: str) -> TokenRecord:
        """End a token, named by its id or name, and the sessions it began. Raises `NotFound`."""
        now = self._clock.now()
        fitting = [one for one in await self.tokens() if reference in (one.id, one.name) and one.revoked_at is None]
        if not fitting:
            raise NotFound(f'there is no token "{reference}" in force')
        found = fitting[0]
        await self._commit(
            Write(REVOKE, (moment(now), found.id), found.id), Write(END_SESSIONS_OF, (found.id,), found.id)
        )
        return found

    def note_use(self, token: TokenRecord) -> None:
        """Remember that the token was used, to the minute."""
        now = self._clock.now()
        if self._journal and (token.last_used_at is None or now - token.last_used_at >= USE_NOTED_EVERY):
            self._journal.append(Write(NOTE_USE, (moment(now), token.id), token.id))

    async def begin_session(self, name: str, role: str, lasts: timedelta, token_id: str | None = None) -> str:
        """Let a person stay signed in; gives the session's key, for a cookie."""
        now, key = self._clock.now(), secrets.token_urlsafe(32)
        row = (digest(key), name, role, token_id, moment(now), moment(now + lasts))
        await self._commit(Write(END_OLD_SESSIONS, (moment(now),), "sessions"), Write(ADD_SESSION, row, "sessions"))
        return key

    async def session(self, key: str) -> SessionRecord | None:
        """The session of this key, while it and its token hold."""
        sql = f"SELECT {SESSION_COLUMNS} FROM sessions WHERE digest = ? AND expires_at > ?"  # noqa: S608
        rows = await self._reader.rows(sql, [digest(key), moment(self._clock.now())])
        if not rows:
            return None
        found = SessionRecord(name=rows[0][1], role=rows[0][2], token_id=rows[0][3], expires_at=time_of(rows[0][5]))
        if found.token_id and not await self._one_in_force("id", found.token_id):
            return None
        return found

    async def end_session(self, key: str) -> None:
        """Sign out."""
        await self._commit(Write(END_SESSION, (digest(key),), "sessions"))

    async def reply(self, caller: str, key: str) -> Reply | None:
        """What this caller's request with this key was answered."""
        sql = "SELECT fingerprint, status, body FROM replies WHERE caller = ? AND key = ?"
        rows = await self._reader.rows(sql, [caller, key])
        return Reply(rows[0][0], rows[0][1], bytes(rows[0][2])) if rows else None

    async def keep_reply(self, caller: str, key: str, reply: Reply, lasts: timedelta) -> None:
        """Answer the same again for so long."""
        now = self._clock.now()
        row = (caller, key, reply.fingerprint, reply.status, reply.body, moment(now))
        await self._commit(Write(FORGET_REPLIES, (moment(now - lasts),), "replies"), Write(KEEP_REPLY, row, "replies"))

    async def _one_in_force(self, column: str, value: str) -> TokenRecord | None:
        rows = await self._reader.rows(f"SELECT {TOKEN_COLUMNS} FROM tokens WHERE {column} = ?", [value])  # noqa: S608
        found = token_of(rows[0]) if rows else None
        return found if found and found.holds(self._clock.now()) else None

    async def _commit(self, *writes: Write) -> None:
        assert self._journal is not None
        await self._journal.commit_parts([Part(writes)])


def token_of(row: Row) -> TokenRecord:
    return TokenRecord(
        id=row[0],
        name=row[1],
        role=row[2],
        created_at=time_of(row[4]),
        expires_at=from_moment(row[5]),
        last_used_at=from_moment(row[6]),
        revoked_at=from_moment(row[7]),
    )
