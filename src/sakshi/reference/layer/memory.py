"""The second layer: what was said before, as the dialogue that the providers will see."""

from __future__ import annotations

from collections.abc import Sequence

from sakshi.reference.conversation import Conversations, Recollection
from sakshi.reference.layer.perception import Perceived
from sakshi.reference.provider import Utterance

INSTRUCTION = (
    "You are a thoughtful companion. Answer the last message in a few true sentences, "
    "in the language of the user, and do not repeat what was already said."
)


async def remember(
    conversations: Conversations, session_id: str, perceived: Perceived
) -> list[Utterance]:
    """Return the dialogue so far with the new message at its end."""
    recollection = await conversations.recall(session_id, perceived.keywords)
    return compose(recollection, perceived.text)


def compose(recollection: Recollection, message: str) -> list[Utterance]:
    """Return instruction, related memories, recent messages and the new message, in this order."""
    related: Sequence[str] = [f"- {memory.utterance.text}" for memory in recollection.related]
    instruction = INSTRUCTION
    if related:
        instruction += "\nEarlier in this conversation:\n" + "\n".join(related)
    return [
        Utterance("system", instruction),
        *recollection.recent,
        Utterance("user", message),
    ]
