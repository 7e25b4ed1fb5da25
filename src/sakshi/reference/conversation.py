"""Conversations in SQL: what was said, and finding it again by its keywords."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

from sakshi.model.clock import Clock
from sakshi.reference.pool import ConnectionPool
from sakshi.reference.provider import Utterance
from sakshi.reference.text import keywords

TERMS_MAX = 24  # keywords kept of one message
MESSAGES_MAX = 100_000
PRUNE_EVERY_TURNS = 500

RECENT = """
    select role, text from message where session_id = ? order by id desc limit ?
"""
# Earlier messages that share most keywords with the new one; of equal ones the latest.
RELATED = """
    select message.role, message.text, count(*) as shared
    from message_term join message on message.id = message_term.message_id
    where message_term.session_id = ? and message_term.term in ({places})
    group by message_term.message_id
    order by shared desc, message_term.message_id desc
    limit ?
"""
STORE_SESSION = """
    insert into session (id, user_id, created_ms, updated_ms, turn_count)
    values (:session_id, :user_id, :now_ms, :now_ms, 1)
    on conflict (id) do update set updated_ms = :now_ms, turn_count = turn_count + 1
    returning turn_count
"""
STORE_MESSAGE = "insert into message (session_id, role, text, created_ms) values (?, ?, ?, ?)"
STORE_TERM = "insert into message_term (session_id, term, message_id) values (?, ?, ?)"
PRUNE_MESSAGES = """
    delete from message
    where id <= (select id from message order by id desc limit 1 offset ?)
"""
PRUNE_SESSIONS = """
    delete from session where id not in (select session_id from message)
"""


class Remembered(NamedTuple):
    """An earlier message and how many of the new message's keywords it has."""

    utterance: Utterance
    shared: int


class Recollection(NamedTuple):
    """What a session remembers when a new message comes: in the order in which it was said."""

    recent: list[Utterance]
    related: list[Remembered]


class Conversations:
    """All conversations of the service.

    Args:
        messages_max: the oldest beyond this are forgotten, every PRUNE_EVERY_TURNS turns.
    """

    def __init__(
        self, pool: ConnectionPool, clock: Clock, messages_max: int = MESSAGES_MAX
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._messages_max = messages_max
        self._turns_until_prune = PRUNE_EVERY_TURNS

    async def create_tables(self) -> None:
        """Make the tables where they are missing."""
        script = files("sakshi.reference").joinpath("schema.sql").read_text("utf-8")
        async with self._pool.connection() as connection:
            connection.executescript(script)

    async def recall(
        self, session_id: str, terms: Sequence[str], *, recent_max: int = 6, related_max: int = 3
    ) -> Recollection:
        """Return the session's last messages and the earlier ones that share keywords.

        Args:
            session_id: a session; one that is not known remembers nothing.
            terms: the keywords of the new message; may be empty.
            recent_max: how many messages back the thread goes.
            related_max: how many related messages beside these.
        """

        def work(connection: sqlite3.Connection) -> Recollection:
            rows = connection.execute(RECENT, (session_id, recent_max)).fetchall()
            recent = [Utterance(role, text) for role, text in reversed(rows)]
            if not terms:
                return Recollection(recent, [])
            query = RELATED.format(places=",".join("?" * len(terms)))
            found = connection.execute(query, (session_id, *terms, recent_max + related_max))
            related = [
                Remembered(Utterance(role, text), shared)
                for role, text, shared in found
                if Utterance(role, text) not in recent
            ]
            return Recollection(recent, related[:related_max])

        return await self._pool.run(work)

    async def store_turn(self, session_id: str, user_id: str, question: str, answer: str) -> int:
        """Keep one turn of a conversation; return how many the session has now."""
        now_ms = self._clock.now_ms()
        session = {"session_id": session_id, "user_id": user_id, "now_ms": now_ms}

        def work(connection: sqlite3.Connection) -> int:
            row = connection.execute(STORE_SESSION, session).fetchone()
            for role, text in (("user", question), ("assistant", answer)):
                cursor = connection.execute(STORE_MESSAGE, (session_id, role, text, now_ms))
                terms = keywords(text)[:TERMS_MAX]
                connection.executemany(
                    STORE_TERM, [(session_id, term, cursor.lastrowid) for term in terms]
                )
            return int(row[0])

        turn_count = await self._pool.run(work, writes=True)
        self._turns_until_prune -= 1
        if self._turns_until_prune <= 0:
            self._turns_until_prune = PRUNE_EVERY_TURNS
            await self.prune(self._messages_max)
        return turn_count

    async def prune(self, messages_max: int) -> None:
        """Forget the oldest messages beyond so many, and the sessions that have none left."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(PRUNE_MESSAGES, (messages_max,))
            connection.execute(PRUNE_SESSIONS)

        await self._pool.run(work, writes=True)

    def size_bytes(self) -> int:
        """Return what the database takes on disk, its log included; 0 before there is one."""
        path = self._pool.path
        parts = (path, path.with_name(path.name + "-wal"))
        return sum(part.stat().st_size for part in parts if part.exists())
