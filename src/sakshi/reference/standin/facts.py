"""What the stand-ins know: sentences on some twenty subjects, found by the words of a prompt.

    # tides: sea moon ocean          a subject and words that point to it
    The Sun raises tides too, ...    its facts, one a line

A word counts the more, the fewer facts have it (inverse document frequency).
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import NamedTuple

from sakshi.reference.provider import Utterance
from sakshi.reference.text import keywords

SUBJECT_WEIGHT = 3.0  # of naming the subject, in units of a fact's own words
FADING = 0.4  # what a message counts, compared with the one after it
MESSAGES_LOOKED_AT = 4  # further back a conversation was about something else
REPEATED = 0.05  # what a fact is worth that was told already


@dataclass(frozen=True)
class Fact:
    """One sentence, and what it is about."""

    subject: str
    text: str
    terms: frozenset[str]


class Knowledge(NamedTuple):
    """What a prompt is answered from: a subject, and facts with the most fitting first."""

    subject: str
    facts: list[Fact]


class Facts:
    """All that a stand-in knows.

    Args:
        text: the file's text; see the module's idea.
    """

    def __init__(self, text: str) -> None:
        self.pointers: dict[str, frozenset[str]] = {}
        self.by_subject: dict[str, list[Fact]] = {}
        subject = ""
        for line in filter(None, map(str.strip, text.splitlines())):
            if line.startswith("#"):
                subject, _, pointers = line.removeprefix("#").strip().partition(":")
                self.pointers[subject] = frozenset(keywords(f"{subject} {pointers}"))
                self.by_subject[subject] = []
            else:
                fact = Fact(subject, line, frozenset(keywords(line)))
                self.by_subject[subject].append(fact)
        self._weights = self._inverse_frequencies()

    @property
    def subjects(self) -> list[str]:
        """Return the subjects, in the file's order."""
        return list(self.by_subject)

    def find(self, dialogue: Sequence[Utterance]) -> Knowledge | None:
        """Return what fits the dialogue's last messages; None where nothing does."""
        terms = _asked_terms(dialogue)
        scores = {
            subject: sum(terms[term] for term in self.pointers[subject] & terms.keys())
            for subject in self.by_subject
        }
        told = "\n".join(text for role, text in dialogue if role != "user")
        ranked = {
            subject: sorted(
                ((self._score(fact, terms, told), fact) for fact in facts),
                key=lambda scored: -scored[0],
            )
            for subject, facts in self.by_subject.items()
        }
        best = max(
            ranked, key=lambda s: SUBJECT_WEIGHT * scores[s] + sum(x for x, _ in ranked[s][:2])
        )
        if not scores[best] and ranked[best][0][0] <= 0.01:
            return None
        return Knowledge(best, [fact for _, fact in ranked[best]])

    def find_elsewhere(self, dialogue: Sequence[Utterance], chance: random.Random) -> Knowledge:
        """Return what does not fit: facts on a subject that the dialogue does not touch."""
        terms = _asked_terms(dialogue)
        away = [s for s in self.by_subject if not self.pointers[s] & terms.keys()]
        subject = chance.choice(away or self.subjects)
        facts = list(self.by_subject[subject])
        chance.shuffle(facts)
        return Knowledge(subject, facts)

    def _score(self, fact: Fact, terms: dict[str, float], told: str) -> float:
        worth = sum(terms[term] * self._weights[term] for term in fact.terms & terms.keys())
        return (worth + 0.01) * (REPEATED if fact.text in told else 1.0)

    def _inverse_frequencies(self) -> dict[str, float]:
        facts = [fact for facts in self.by_subject.values() for fact in facts]
        counts = Counter(term for fact in facts for term in fact.terms)
        return {term: math.log(len(facts) / count) for term, count in counts.items()}


def load_facts() -> Facts:
    """Return the built-in facts."""
    return Facts(files("sakshi.reference.standin").joinpath("facts.txt").read_text("utf-8"))


def _asked_terms(dialogue: Collection[Utterance]) -> dict[str, float]:
    """Return the keywords of the user's last messages with their weights, the last one's 1."""
    asked = [text for role, text in dialogue if role == "user"][-MESSAGES_LOOKED_AT:]
    terms: dict[str, float] = {}
    for age, text in enumerate(reversed(asked)):
        for term in keywords(text):
            terms.setdefault(term, FADING**age)
    return terms
