"""The layers that are functions of text: perception, memory, selection, synthesis, reflection."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from sakshi.reference.conversation import Conversations, Recollection, Remembered
from sakshi.reference.layer import reflection as reflection_module
from sakshi.reference.layer.generation import Answer
from sakshi.reference.layer.memory import INSTRUCTION, compose, remember
from sakshi.reference.layer.perception import find_intent, find_language, perceive
from sakshi.reference.layer.reflection import Reflection
from sakshi.reference.layer.selection import FIRST_SHARE_MIN, SECOND_SHARE, Selection
from sakshi.reference.layer.synthesis import synthesize
from sakshi.reference.provider import Utterance

# Perception.


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Why do tides follow the Moon?", "en"),
        ("Warum folgt die Flut dem Mond und nicht der Sonne?", "de"),
        ("Pourquoi les marées suivent la lune?", "fr"),
        ("¿Por qué las mareas son una cosa de la luna?", "es"),
        ("Perché le maree sono nel mare e come?", "it"),
        ("साक्षी क्या है?", "hi"),
        ("Почему приливы?", "ru"),
        ("潮汐", "zh"),
        ("xyz 123", "und"),
        ("", "und"),
    ],
)
def test_the_language_is_told_by_small_words_or_script(text: str, language: str) -> None:
    """And is undetermined where neither tells."""
    assert find_language(text) == language


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("What are tides", "question"),
        ("You know tides?", "question"),
        ("Tell me about tides.", "request"),
        ("Hello there", "greeting"),
        ("Good morning", "greeting"),
        ("Thanks a lot", "thanks"),
        ("See you", "farewell"),
        ("Island life is slow.", "statement"),
        ("", "statement"),
    ],
)
def test_the_intent_is_told_by_the_end_or_the_opening(text: str, intent: str) -> None:
    """Whole words count: "island" does not ask with "is"."""
    assert find_intent(text) == intent


def test_keywords_of_a_message_are_bounded() -> None:
    """A message of a thousand words is about its first ones."""
    assert len(perceive(" ".join(f"word{n}" for n in range(1000))).keywords) == 16


# Memory.


def test_the_dialogue_ends_with_the_message() -> None:
    """Instruction with related memories, recent messages, the new message."""
    recent = [Utterance("user", "Hello"), Utterance("assistant", "Hello, ada")]
    related = [Remembered(Utterance("user", "I love tides"), 1)]

    dialogue = compose(Recollection(recent, related), "Why tides?")

    assert dialogue[0].text == f"{INSTRUCTION}\nEarlier in this conversation:\n- I love tides"
    assert dialogue[1:] == [*recent, Utterance("user", "Why tides?")]


async def test_memory_finds_what_the_session_said(conversations: Conversations) -> None:
    """What was stored comes back in the next turn's dialogue."""
    await conversations.store_turn("s", "ada", "I love tides", "So do I.")

    dialogue = await remember(conversations, "s", perceive("Why tides?"))

    assert [utterance.text for utterance in dialogue[1:]] == [
        "I love tides",
        "So do I.",
        "Why tides?",
    ]


# Selection.


def draw(selection: Selection, times: int = 2000) -> tuple[Counter[str], Counter[str | None]]:
    plans = [selection.select() for _ in range(times)]
    return Counter(plan.order[0] for plan in plans), Counter(plan.second for plan in plans)


def test_unknown_providers_are_asked_evenly() -> None:
    """Before the first call all are equal."""
    first, _ = draw(Selection(["a", "b", "c"], random.Random(1)))

    assert all(abs(count / 2000 - 1 / 3) < 0.05 for count in first.values())


def test_fast_providers_are_asked_more_often() -> None:
    """Twice as slow is a quarter as often."""
    selection = Selection(["fast", "slow"], random.Random(1))
    selection.histories["fast"].answered(0.3)
    selection.histories["slow"].answered(0.6)

    first, _ = draw(selection)

    assert first["fast"] / first["slow"] == pytest.approx(4, rel=0.2)


def test_a_failing_provider_is_seldom_first_and_still_heard_as_second() -> None:
    """Users do not wait for it, but the service keeps knowing how it does."""
    selection = Selection(["good", "bad", "fair"], random.Random(1))
    selection.histories["good"].answered(0.4)
    selection.histories["fair"].answered(0.4)
    for _ in range(50):
        selection.histories["bad"].failed()

    first, second = draw(selection)

    assert first["bad"] / 2000 == pytest.approx(FIRST_SHARE_MIN, abs=0.02)
    assert second["bad"] / 2000 > 0.2
    assert 1 - second[None] / 2000 == pytest.approx(SECOND_SHARE, abs=0.04)


def test_a_timeout_counts_as_slow_and_as_failed() -> None:
    """Its time is known: at least that long."""
    selection = Selection(["a"], random.Random(1))
    history = selection.histories["a"]
    history.answered(1.0)
    history.failed(5.0)

    assert history.mean_seconds == 3
    assert history.success_share == 0.5
    assert history.score == 12


def test_the_others_stand_by_in_the_order_of_their_scores() -> None:
    """The next best is the first to step in; one provider alone has no second."""
    selection = Selection(["a", "b", "c"], random.Random(1))
    for name, seconds in (("a", 0.2), ("b", 9.0), ("c", 3.0)):
        selection.histories[name].answered(seconds)

    orders = {plan.order for plan in (selection.select() for _ in range(300))}

    assert orders == {("a", "c", "b"), ("b", "a", "c"), ("c", "a", "b")}
    assert Selection(["only"], random.Random(1)).select() == (("only",), None)


def test_one_seed_is_one_sequence_of_choices() -> None:
    """Randomness is an argument."""
    one, two = (Selection(["a", "b", "c"], random.Random(5)) for _ in range(2))

    assert [one.select() for _ in range(50)] == [two.select() for _ in range(50)]


# Synthesis.


def answer(text: str) -> Answer:
    return Answer("openai", "gpt", text)


def test_one_answer_is_the_reply() -> None:
    """Word for word."""
    assert synthesize([answer("Tides follow the Moon.")], ["tide"]) == "Tides follow the Moon."


def test_a_second_answer_adds_what_is_new_and_on_the_subject() -> None:
    """Neither what was said, nor pleasantries, nor questions, nor something else."""
    lead = answer("The Moon raises tides in the sea.")
    second = answer(
        "What a lovely question. In the sea the Moon raises the tides. "
        "The Sun pulls weaker tides than the Moon. Bread is baked from dough. Why do you ask?"
    )

    reply = synthesize([lead, second], ["moon", "tide"])

    assert reply == ("The Moon raises tides in the sea. The Sun pulls weaker tides than the Moon.")


def test_nothing_is_said_twice() -> None:
    """The same sentence from two providers stands once."""
    same = "The Moon raises tides in the sea."

    assert synthesize([answer(same), answer(same)], ["tide"]) == same


def test_a_closing_question_stays_last() -> None:
    """What is added stands before it."""
    lead = answer("The Moon raises tides in the sea. Shall we go on?")
    second = answer("The Sun pulls weaker tides than the Moon.")

    assert synthesize([lead, second], ["tide", "moon"]) == (
        "The Moon raises tides in the sea. The Sun pulls weaker tides than the Moon. "
        "Shall we go on?"
    )


def test_a_list_grows_by_lines() -> None:
    """A structured answer keeps its form."""
    lead = answer("On tides:\n- The Moon raises tides in the sea.")
    second = answer("The Sun pulls weaker tides than the Moon.")

    assert synthesize([lead, second], ["tide"]).splitlines()[-1] == (
        "The Sun pulls weaker tides than the Moon."
    )


# Reflection.


async def test_reflection_keeps_the_turn_and_the_subject(conversations: Conversations) -> None:
    """The newest keywords lead; the turn is in the database."""
    reflection = Reflection(conversations)

    await reflection.reflect("s", "ada", perceive("Why do tides follow the Moon?"), "Gravity.")
    state = await reflection.reflect("s", "ada", perceive("Is bread old?"), "Yes.")

    assert state.turn_count == 2
    assert state.subject == ("bread", "old", "tide", "follow", "moon")
    assert len((await conversations.recall("s", [])).recent) == 4


async def test_session_states_are_bounded_and_their_size_is_known(
    conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The longest unused state goes, and its bytes with it."""
    monkeypatch.setattr(reflection_module, "SESSIONS_MAX", 2)
    reflection = Reflection(conversations)

    for session in ("a", "b", "c"):
        await reflection.reflect(session, "ada", perceive("tides"), "Yes.")

    assert reflection.session_count() == 2
    assert reflection.size_bytes() == 2 * len("undtide")
