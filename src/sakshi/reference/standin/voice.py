"""The character of each stand-in: how it says what it knows.

The facts are the same for all; one is terse, one warm, one structured. So their answers to one
question are alike in content and not in form, as those of real providers are.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from sakshi.reference.standin.facts import Knowledge

Voice = Callable[[Knowledge | None, random.Random], str]

WARM_OPENINGS = (
    "What a lovely question.",
    "I am glad that you ask.",
    "That is something I enjoy thinking about.",
    "Let us look at it together.",
)
WARM_CLOSINGS = (
    "Which part of {subject} would you like to look at next?",
    "What made you think of {subject}?",
    "Shall we stay with {subject} for a while?",
)


def terse(knowledge: Knowledge | None, chance: random.Random) -> str:
    """Return two facts and nothing else."""
    if knowledge is None:
        return "I know nothing about that."
    return " ".join(fact.text for fact in knowledge.facts[:2])


def warm(knowledge: Knowledge | None, chance: random.Random) -> str:
    """Return three facts between a kind word and a question back."""
    if knowledge is None:
        return "I am sorry, I do not know about that yet. Would you like to tell me more?"
    said = " ".join(fact.text for fact in knowledge.facts[:3])
    closing = chance.choice(WARM_CLOSINGS).format(subject=knowledge.subject)
    return f"{chance.choice(WARM_OPENINGS)} {said} {closing}"


def structured(knowledge: Knowledge | None, chance: random.Random) -> str:
    """Return three facts as a list under a heading."""
    if knowledge is None:
        return "No facts found on that subject."
    points = "\n".join(f"- {fact.text}" for fact in knowledge.facts[:3])
    return f"On {knowledge.subject}:\n{points}"
