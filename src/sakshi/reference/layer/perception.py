"""The first layer: what a message is, from its text alone."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from sakshi.reference.text import keywords, words

KEYWORDS_MAX = 16

# The most frequent small words of each language; enough to tell sentences apart.
SMALL_WORDS = {
    "en": frozenset(words("the of and is are was to in that it what how do does you why can i")),
    "de": frozenset(words("der die das und ist sind war nicht ein eine zu wie was warum ich du")),
    "fr": frozenset(words("le la les et est sont une des que pourquoi comment je tu vous dans")),
    "es": frozenset(words("el la los las y es son una que por qué cómo yo tú en del")),
    "it": frozenset(words("il lo gli e è sono una che perché come io tu nel della")),
}
SCRIPTS = {"DEVANAGARI": "hi", "CYRILLIC": "ru", "ARABIC": "ar", "HIRAGANA": "ja", "CJK": "zh"}

# The first row whose opening matches names the intent.
OPENINGS = (
    ("greeting", ("hello", "hi", "hey", "good morning", "good evening", "namaste")),
    ("thanks", ("thank", "thanks", "many thanks")),
    ("farewell", ("bye", "goodbye", "good night", "see you")),
    ("question", ("what", "why", "how", "who", "when", "where", "which", "is", "are", "do",
                  "does", "did", "can", "could", "will", "would", "should", "and what")),
    ("request", ("tell", "explain", "describe", "show", "give", "compare", "please", "name")),
)  # fmt: skip


@dataclass(frozen=True)
class Perceived:
    """What was understood of a message.

    Args:
        text: the message, trimmed.
        language: ISO 639-1; "und" where nothing tells.
        intent: "question", "request", "greeting", "thanks", "farewell" or "statement".
        keywords: what it is about, in order, at most `KEYWORDS_MAX`; may be empty.
    """

    text: str
    language: str
    intent: str
    keywords: tuple[str, ...]


def perceive(text: str) -> Perceived:
    """Return language, intent and keywords of a message.

    Example:
        >>> perceived = perceive("Why do tides follow the Moon?")
        >>> perceived.language, perceived.intent, perceived.keywords
        ('en', 'question', ('tide', 'follow', 'moon'))
    """
    text = text.strip()
    return Perceived(
        text, find_language(text), find_intent(text), tuple(keywords(text)[:KEYWORDS_MAX])
    )


def find_language(text: str) -> str:
    """Return the language whose small words or script the text has; "und" where none."""
    for character in text:
        if character.isalpha() and not character.isascii():
            script = unicodedata.name(character, "").split(" ", 1)[0]
            if script in SCRIPTS:
                return SCRIPTS[script]
    said = words(text)
    counts = {language: sum(w in small for w in said) for language, small in SMALL_WORDS.items()}
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] else "und"


def find_intent(text: str) -> str:
    """Return what the message wants; a question mark at the end outweighs its opening."""
    if text.rstrip().endswith("?"):
        return "question"
    opening = " ".join(words(text)[:2]) + " "
    for intent, starts in OPENINGS:
        if opening.startswith(tuple(f"{start} " for start in starts)):
            return intent
    return "statement"
