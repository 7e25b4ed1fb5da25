"""What simulated users say: conversations of several turns that stay on one subject.

Each begins with a question about its subject, goes on with others about it and now and then with a
follow-up that only makes sense after an answer, as people do.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from importlib.resources import files

TURNS_MIN, TURNS_MAX = 3, 6
FOLLOW_UP_SHARE = 0.25  # of the turns after the first
FOLLOW_UPS = (
    "Can you tell me more about {subject}?",
    "What else should I know about {subject}?",
    "That is interesting. Why is that?",
    "Please explain that a little further.",
)


def load_questions() -> dict[str, list[str]]:
    """Return the built-in questions by subject."""
    text = files("sakshi.reference.traffic").joinpath("questions.txt").read_text("utf-8")
    questions: dict[str, list[str]] = {}
    subject = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("#"):
            subject = line.removeprefix("#").strip()
            questions[subject] = []
        else:
            questions[subject].append(line)
    return questions


def write_conversation(questions: Mapping[str, Sequence[str]], chance: random.Random) -> list[str]:
    """Return the user's messages of one conversation, in order.

    Args:
        questions: by subject, each with at least one.
        chance: where subject, length and order are drawn from.
    """
    subject = chance.choice(list(questions))
    asked = chance.sample(questions[subject], len(questions[subject]))
    turns = [asked.pop()]
    for _ in range(chance.randint(TURNS_MIN, TURNS_MAX) - 1):
        if not asked or chance.random() < FOLLOW_UP_SHARE:
            turns.append(chance.choice(FOLLOW_UPS).format(subject=subject))
        else:
            turns.append(asked.pop())
    return turns
