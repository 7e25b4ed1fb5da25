"""Conversations in SQL."""

from __future__ import annotations

from sakshi.model.clock import SystemClock
from sakshi.reference.conversation import PRUNE_EVERY_TURNS, Conversations, Recollection
from sakshi.reference.pool import ConnectionPool
from sakshi.reference.provider import Utterance
from sakshi.reference.text import keywords


async def test_a_new_session_remembers_nothing(conversations: Conversations) -> None:
    """Neither recent nor related messages."""
    assert await conversations.recall("new", ["tide"]) == Recollection([], [])


async def test_recent_messages_come_in_the_order_they_were_said(
    conversations: Conversations,
) -> None:
    """The last ones, the latest at the end."""
    for number in range(3):
        await conversations.store_turn("s", "ada", f"question {number}", f"answer {number}")

    recollection = await conversations.recall("s", [], recent_max=3)

    assert recollection.recent == [
        Utterance("assistant", "answer 1"),
        Utterance("user", "question 2"),
        Utterance("assistant", "answer 2"),
    ]


async def test_related_messages_share_most_keywords_and_are_no_recent_ones(
    conversations: Conversations,
) -> None:
    """An old message about the subject comes back; a recent one is not told twice."""
    await conversations.store_turn("s", "ada", "Do tides follow the Moon?", "Tides do.")
    await conversations.store_turn("s", "ada", "Is bread old?", "Bread is.")
    await conversations.store_turn("s", "ada", "Is the Moon cold?", "It is.")

    terms = keywords("Moon tides")
    recollection = await conversations.recall("s", terms, recent_max=2, related_max=1)

    assert [memory.utterance.text for memory in recollection.related] == [
        "Do tides follow the Moon?"
    ]
    assert recollection.related[0].shared == 2


async def test_sessions_do_not_hear_each_other(conversations: Conversations) -> None:
    """What one session said is not in another's memory."""
    await conversations.store_turn("mine", "ada", "Do tides follow the Moon?", "They do.")

    assert await conversations.recall("yours", ["tide", "moon"]) == Recollection([], [])


async def test_turns_are_counted_by_session(conversations: Conversations) -> None:
    """The count goes on over time."""
    counts = [await conversations.store_turn("s", "ada", "a", "b") for _ in range(3)]

    assert counts == [1, 2, 3]


async def test_the_oldest_messages_are_forgotten(
    conversations: Conversations, pool: ConnectionPool
) -> None:
    """Pruning keeps the newest messages, and no session or term without a message."""
    await conversations.store_turn("old", "ada", "tides", "moon")
    await conversations.store_turn("new", "ada", "bread", "salt")

    await conversations.prune(2)

    rows = await pool.run(
        lambda c: [
            c.execute(f"select count(*) from {table}").fetchone()[0]
            for table in ("message", "session", "message_term")
        ]
    )
    assert rows == [2, 1, 2]
    assert (await conversations.recall("new", [])).recent[0].text == "bread"


async def test_anyone_can_read_a_conversation_in_sql(
    conversations: Conversations, pool: ConnectionPool
) -> None:
    """The view for people has dates and names in clear."""
    await conversations.store_turn("s", "ada", "tides?", "yes")

    rows = await pool.run(lambda c: c.execute("select * from conversation").fetchall())

    assert [(row[0], row[1], row[3], row[4]) for row in rows] == [
        ("s", "ada", "user", "tides?"),
        ("s", "ada", "assistant", "yes"),
    ]
    assert rows[0][2].startswith("20")


async def test_the_size_on_disk_is_known(conversations: Conversations) -> None:
    """Database and log together."""
    assert conversations.size_bytes() >= 4096


async def test_old_messages_are_forgotten_now_and_then(pool: ConnectionPool) -> None:
    """A service that runs for months does not fill its disk."""
    conversations = Conversations(pool, SystemClock(), messages_max=10)
    await conversations.create_tables()

    for number in range(PRUNE_EVERY_TURNS):
        await conversations.store_turn("s", "ada", f"question {number}", f"answer {number}")

    rows = await pool.run(lambda c: c.execute("select count(*) from message").fetchone())
    assert rows == (10,)
