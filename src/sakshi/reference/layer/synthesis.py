"""The fifth layer: one reply out of one or two answers, without saying anything twice."""

from __future__ import annotations

from collections.abc import Sequence

from sakshi.reference.layer.generation import Answer
from sakshi.reference.text import keywords, likeness, sentences

LIKENESS_MAX = 0.5  # above it two sentences say the same: half of their keywords are shared
ADDED_SENTENCES_MAX = 2  # of the second opinion; a chat reply stays short


def synthesize(answers: Sequence[Answer], message_keywords: Sequence[str]) -> str:
    """Return the first answer, with what the others add to the subject.

    A sentence is added where it shares a keyword with the message or with the first answer, and is
    unlike every sentence that is already there. A question that ends the first answer stays last.

    Args:
        answers: at least one; the first leads.
        message_keywords: what the message is about.
    """
    assert answers, "synthesis needs an answer"
    lead, closing = _split_closing_question(answers[0].text)
    said = sentences(answers[0].text)
    subject = {*message_keywords, *keywords(lead)}
    added: list[str] = []
    for answer in answers[1:]:
        for sentence in sentences(answer.text):
            about = set(keywords(sentence))
            if len(added) == ADDED_SENTENCES_MAX or not sentence.endswith("."):
                continue
            if len(about & subject) > 1 and _is_new(sentence, [*said, *added]):
                added.append(sentence)
    separator = "\n" if "\n" in lead else " "
    return separator.join(part for part in (lead, *added, closing) if part)


def _is_new(sentence: str, said: Sequence[str]) -> bool:
    return all(likeness(sentence, other) <= LIKENESS_MAX for other in said)


def _split_closing_question(text: str) -> tuple[str, str]:
    """Return the text without the question at its end, and that question; empty where none."""
    if not text.endswith("?"):
        return text, ""
    closing = sentences(text)[-1]
    lead = text[: len(text) - len(closing)].rstrip()
    return (lead, closing) if lead else (text, "")
