"""The last layer: keeps the turn, and what the service knows of a session without asking SQL."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from sakshi.reference.conversation import Conversations
from sakshi.reference.layer.perception import Perceived

SESSIONS_MAX = 2_000  # states kept in memory; the longest unused goes first
SUBJECT_KEYWORDS_MAX = 8


@dataclass(frozen=True)
class SessionState:
    """What a session is about lately.

    Args:
        turn_count: how many turns it has had, those before a restart included.
        language: of its last message.
        subject: its latest keywords, the newest first.
    """

    turn_count: int
    language: str
    subject: tuple[str, ...]

    def size_bytes(self) -> int:
        """Return the bytes of its text."""
        return len(self.language) + sum(len(word.encode()) for word in self.subject)


class Reflection:
    """Stores turns and keeps session states."""

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations
        self._states: OrderedDict[str, SessionState] = OrderedDict()
        self._text_bytes = 0

    async def reflect(
        self, session_id: str, user_id: str, perceived: Perceived, reply: str
    ) -> SessionState:
        """Store the turn and return the session's new state."""
        count = await self._conversations.store_turn(session_id, user_id, perceived.text, reply)
        before = self._states.pop(session_id, None)
        earlier = before.subject if before else ()
        subject = dict.fromkeys((*perceived.keywords, *earlier))
        state = SessionState(count, perceived.language, tuple(subject)[:SUBJECT_KEYWORDS_MAX])
        self._states[session_id] = state
        self._text_bytes += state.size_bytes() - (before.size_bytes() if before else 0)
        while len(self._states) > SESSIONS_MAX:
            _, oldest = self._states.popitem(last=False)
            self._text_bytes -= oldest.size_bytes()
        return state

    def session_count(self) -> int:
        """Return how many sessions have a state in memory."""
        return len(self._states)

    def size_bytes(self) -> int:
        """Return the bytes of text in all states."""
        return self._text_bytes
