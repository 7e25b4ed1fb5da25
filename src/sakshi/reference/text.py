"""Words, keywords and sentences of plain text: what the layers and the stand-ins compare by.

Everything here is lexical: two texts are alike as far as they share keywords. A keyword is a word
in lower case, without the most frequent words of English and without its plural ending.
"""

from __future__ import annotations

import re

WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")

FREQUENT_WORDS = """
    a about above after again all almost also always am an and another any anything are as ask
    at be because been before being below between both but by can could did do does doing don't
    down each else even ever every few for from further get give had has have having he hear
    her here hers him his how however i if in into is it it's its itself just know learn let
    like little long made make many me more most much must my near nearly never no nor not now
    of off often on once one only or other our out over own please quite rather really same say
    see seem she should since so some something still such take tell than that that's the their
    them then there these they thing things think this those though through to too twice two
    under until up us use used very want was way we well were what what's when where which
    while who whom why will with without would yet you your
"""
STOP_WORDS = frozenset(FREQUENT_WORDS.split())


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, in order."""
    return [word.replace("\u2019", "'") for word in WORD.findall(text.lower())]


def keywords(text: str) -> list[str]:
    """Return the words that say what a text is about: in order, each once, plurals made singular.

    Example:
        >>> keywords("Why do the Tides follow the Moon's pull, and tides at glaciers?")
        ['tide', 'follow', 'moon', 'pull', 'glacier']
    """
    found = (singular(word) for word in words(text) if word not in STOP_WORDS)
    return list(dict.fromkeys(word for word in found if len(word) > 1))


def singular(word: str) -> str:
    """Return an English noun without the ending of its plural or possessive, by rule of thumb."""
    word = word.removesuffix("'s").removesuffix("'")
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes", "oes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def sentences(text: str) -> list[str]:
    r"""Return the sentences of a text in order; a line or a bullet ends one too.

    Example:
        >>> sentences("On salt:\n- It is a mineral. It dissolves!\n2. Why?")
        ['On salt:', 'It is a mineral.', 'It dissolves!', 'Why?']
    """
    pieces = (BULLET.sub("", piece).strip() for piece in SENTENCE_END.split(text))
    return [piece for piece in pieces if piece and not piece.removesuffix(".").isdigit()]


def likeness(one: str, other: str) -> float:
    """Return how many keywords two texts share, as a part of all of theirs: 0 to 1.

    Two texts without keywords are alike only where they are equal.
    """
    first, second = set(keywords(one)), set(keywords(other))
    if not first | second:
        return float(one == other)
    return len(first & second) / len(first | second)
