"""The stand-in providers: what they know, how they say it, how they behave."""

from __future__ import annotations

import json
import random
import statistics
from typing import Any

import httpx2
import pytest

from sakshi.reference.provider import Utterance
from sakshi.reference.standin import CHARACTERS, Standin, load_facts
from sakshi.reference.standin.application import BODY_BYTES_MAX
from sakshi.reference.standin.behaviour import (
    PIECES_MAX,
    Behaviour,
    BehaviourError,
    draw_seconds,
    split_pieces,
)
from sakshi.reference.standin.voice import structured, terse, warm
from sakshi.reference.text import sentences
from sakshi.reference.traffic.script import load_questions

FACTS = load_facts()
OPENAI, VENICE, GEMINI = CHARACTERS


def ask(*messages: str) -> list[Utterance]:
    return [Utterance("user", message) for message in messages]


# Facts.


def test_there_are_twenty_subjects_of_at_least_ten_sentences() -> None:
    """Each fact is one sentence, and stands once."""
    assert len(FACTS.subjects) == 20
    assert all(len(facts) >= 10 for facts in FACTS.by_subject.values())
    texts = [fact.text for facts in FACTS.by_subject.values() for fact in facts]
    assert len(set(texts)) == len(texts)
    assert all(len(sentences(text)) == 1 for text in texts if "H.M." not in text)


QUESTIONS = [
    (subject, question) for subject, asked in load_questions().items() for question in asked
]


def test_every_question_of_the_traffic_finds_its_subject() -> None:
    """The simulated users ask about what the stand-ins know."""
    found = {question: FACTS.find(ask(question)) for _, question in QUESTIONS}

    wrong = [q for subject, q in QUESTIONS if (k := found[q]) is None or k.subject != subject]
    assert wrong == []


def test_the_most_fitting_fact_comes_first() -> None:
    """The words of the question choose within the subject."""
    knowledge = FACTS.find(ask("How do honeybees stay warm in winter?"))

    assert knowledge is not None
    assert knowledge.facts[0].text.startswith("In winter honeybees gather in a ball")


def test_a_follow_up_stays_on_the_subject() -> None:
    """Without a subject of its own, the last messages' subject goes on."""
    knowledge = FACTS.find(ask("How do whales sing?", "That is interesting. Why is that?"))

    assert knowledge is not None
    assert knowledge.subject == "whales"


def test_what_was_told_is_not_told_first_again() -> None:
    """The assistant's earlier sentences go to the end."""
    first = FACTS.find(ask("Why do tides follow the Moon?"))
    assert first is not None
    told = first.facts[0].text

    dialogue = [
        *ask("Why tides?"),
        Utterance("assistant", told),
        *ask("Why do tides follow the Moon?"),
    ]
    again = FACTS.find(dialogue)

    assert again is not None
    assert again.subject == "tides"
    assert again.facts[0].text != told


@pytest.mark.parametrize("message", ["qwertz", "", "the and of"])
def test_what_is_not_known_is_not_invented(message: str) -> None:
    """Every voice says that it does not know."""
    assert FACTS.find(ask(message)) is None
    assert terse(None, random.Random(1)) == "I know nothing about that."
    assert warm(None, random.Random(1)).startswith("I am sorry, I do not know")
    assert structured(None, random.Random(1)) == "No facts found on that subject."


def test_off_the_subject_is_off_the_subject() -> None:
    """No draw touches what was asked."""
    chance = random.Random(1)
    dialogue = ask("Why do tides follow the Moon?")

    drawn = {FACTS.find_elsewhere(dialogue, chance).subject for _ in range(200)}

    assert "tides" not in drawn
    assert len(drawn) > 10


# Voices.


def test_each_voice_has_its_form() -> None:
    """Two sentences; kindness and a question back; a list under a heading."""
    knowledge = FACTS.find(ask("Why do tides follow the Moon?"))
    chance = random.Random(1)

    assert len(sentences(terse(knowledge, chance))) == 2
    assert sentences(warm(knowledge, chance))[-1].endswith("?")
    assert len(sentences(warm(knowledge, chance))) == 5
    assert structured(knowledge, chance).startswith("On tides:\n- ")


# Behaviour.


def test_answer_times_are_log_normal_around_their_mean() -> None:
    """The mean is the one asked for; the 95th percentile lies at 1.7 times of it."""
    chance = random.Random(1)
    times = [draw_seconds(0.45, chance) for _ in range(20_000)]

    assert statistics.mean(times) == pytest.approx(0.45, rel=0.02)
    assert statistics.quantiles(times, n=20)[-1] / 0.45 == pytest.approx(1.7, rel=0.05)


@pytest.mark.parametrize("text", ["", "one", "a b", "word " * 100, "On tides:\n- one\n- two"])
def test_pieces_join_to_the_text(text: str) -> None:
    """Whatever the text, and never more than a few."""
    pieces = split_pieces(text)

    assert "".join(pieces) == text
    assert 1 <= len(pieces) <= PIECES_MAX


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ([], "expected a JSON object"),
        ({"latency": 2}, "latency: expected one of error_rate, latency_factor, off_subject"),
        ({"latency_factor": -1}, "latency_factor: expected a number from 0 to 100"),
        ({"latency_factor": float("nan")}, "latency_factor: expected a number from 0 to 100"),
        ({"error_rate": 1.5}, "error_rate: expected a number from 0 to 1"),
        ({"error_rate": True}, "error_rate: expected a number from 0 to 1"),
        ({"error_rate": 0.5, "off_subject": 1}, "off_subject: expected true or false"),
    ],
)
def test_a_wrong_change_of_behaviour_changes_nothing(wanted: object, message: str) -> None:
    """All fields or none."""
    behaviour = Behaviour()

    with pytest.raises(BehaviourError, match=message):
        behaviour.change(wanted)

    assert behaviour == Behaviour()


# The application.


class FreeClock:
    """A clock whose waiting takes no time, and is noted."""

    def __init__(self) -> None:
        self.waited = 0.0

    def now_ms(self) -> int:
        return 1_700_000_000_000

    def monotonic(self) -> float:
        return self.waited

    async def sleep(self, seconds: float) -> None:
        self.waited += seconds


async def get(standin: Standin, path: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(standin.application(), client=("127.0.0.1", 5))
    async with httpx2.AsyncClient(transport=transport, base_url="http://standin") as http:
        return await http.get(path)


async def post(
    standin: Standin, path: str, body: object, client: str = "127.0.0.1", **headers: str
) -> httpx2.Response:
    transport = httpx2.ASGITransport(standin.application(), client=(client, 5))
    keys = {"authorization": "Bearer k", "x-goog-api-key": "k"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://standin") as http:
        return await http.post(path, json=body, headers={**keys, **headers})


QUESTION = {"model": "gpt", "messages": [{"role": "user", "content": "Why tides?"}]}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Why tides?"}]}]}
CHAT = "/v1/chat/completions"


def free(character: Any = OPENAI, seed: int = 1) -> tuple[Standin, FreeClock]:
    clock = FreeClock()
    return Standin(character, FACTS, random.Random(seed), clock), clock


async def test_a_chat_completion_has_openais_fields() -> None:
    """Whole, not streamed."""
    standin, _ = free()

    fields = (await post(standin, CHAT, QUESTION)).json()

    assert fields["object"] == "chat.completion"
    assert fields["model"] == "gpt"
    assert fields["choices"][0]["finish_reason"] == "stop"
    said = fields["choices"][0]["message"]["content"]
    assert fields["usage"]["completion_tokens"] == len(said.split())


async def test_a_streamed_chat_completion_has_openais_chunks() -> None:
    """The role first, the reason to stop last, then the end mark."""
    standin, clock = free()

    response = await post(standin, CHAT, {**QUESTION, "stream": True})

    data = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    chunks = [json.loads(item) for item in data[:-1]]
    assert response.headers["content-type"].startswith("text/event-stream")
    assert data[-1] == "[DONE]"
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks][-2:] == [None, "stop"]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert 0.1 < clock.waited < 2


async def test_generate_content_has_geminis_fields() -> None:
    """Whole and streamed are of one shape; the last event says why it stopped."""
    standin, _ = free(GEMINI)
    path = "/v1beta/models/gemini-x"

    whole = (await post(standin, f"{path}:generateContent", CONTENTS)).json()
    stream = await post(standin, f"{path}:streamGenerateContent?alt=sse", CONTENTS)

    events = [json.loads(item[6:]) for item in stream.text.split("\n\n") if item]
    assert whole["modelVersion"] == "gemini-x"
    assert whole["candidates"][0]["finishReason"] == "STOP"
    assert ["finishReason" in event["candidates"][0] for event in events] == [
        *[False] * (len(events) - 1),
        True,
    ]


@pytest.mark.parametrize(
    ("character", "path", "body", "status", "message"),
    [
        pytest.param(OPENAI, CHAT, {}, 400, "you must provide a model parameter", id="no model"),
        pytest.param(
            OPENAI,
            CHAT,
            {"model": "m", "messages": []},
            400,
            "'messages' must be a list that is not empty",
            id="no messages",
        ),
        pytest.param(
            OPENAI,
            CHAT,
            {"model": "m", "messages": [{"role": "user"}]},
            400,
            "each message needs a role and a text as its content",
            id="no content",
        ),
        pytest.param(
            OPENAI,
            CHAT,
            {"model": "m", "messages": [{"role": "cat", "content": "x"}]},
            400,
            "a message's role must be system, user or assistant",
            id="a strange role",
        ),
        pytest.param(OPENAI, CHAT, [], 400, "expected a JSON object", id="a list"),
        pytest.param(
            OPENAI,
            CHAT,
            "x" * BODY_BYTES_MAX,
            400,
            f"expected at most {BODY_BYTES_MAX} bytes",
            id="too large",
        ),
        pytest.param(
            GEMINI,
            "/v1beta/models/g:generateContent",
            {},
            400,
            "contents is not specified",
            id="no contents",
        ),
        pytest.param(
            GEMINI,
            "/v1beta/models/g:generateContent",
            {"contents": [{"parts": [{}]}]},
            400,
            "each content needs parts with a text",
            id="no text",
        ),
        pytest.param(
            GEMINI,
            "/v1beta/models/g:generateContent",
            {"contents": [{"role": "cat"}]},
            400,
            "please use a valid role: user, model",
            id="gemini: a strange role",
        ),
    ],
)
async def test_a_wrong_request_is_refused_as_the_provider_would(
    character: Any, path: str, body: object, status: int, message: str
) -> None:
    """400 with the provider's own error object."""
    standin, _ = free(character)

    response = await post(standin, path, body)

    assert response.status_code == status
    assert response.json()["error"]["message"] == message


async def test_a_request_without_a_key_is_refused() -> None:
    """401, as the real ones do."""
    standin, _ = free()

    response = await post(standin, CHAT, QUESTION, authorization="")

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "invalid_api_key"


async def test_a_failing_standin_answers_500_and_429() -> None:
    """As often as it was told, quickly, and 429 says when to come back."""
    standin, clock = free()
    await post(standin, "/control", {"error_rate": 1})

    responses = [await post(standin, CHAT, QUESTION) for _ in range(40)]

    assert {response.status_code for response in responses} == {500, 429}
    assert all(("retry-after" in r.headers) == (r.status_code == 429) for r in responses)
    assert clock.waited / 40 < 0.05


async def test_a_slow_standin_takes_as_many_times_longer() -> None:
    """The same draws, times the factor."""
    (usual, usual_clock), (slow, slow_clock) = free(seed=3), free(seed=3)
    await post(slow, "/control", {"latency_factor": 6})

    for standin in (usual, slow):
        await post(standin, CHAT, {**QUESTION, "stream": True})

    assert slow_clock.waited == pytest.approx(6 * usual_clock.waited)


async def test_a_straying_standin_talks_about_something_else() -> None:
    """The form is the same, the subject is not."""
    standin, _ = free(GEMINI)
    await post(standin, "/control", {"off_subject": True})

    fields = (await post(standin, "/v1beta/models/g:generateContent", CONTENTS)).json()

    text = fields["candidates"][0]["content"]["parts"][0]["text"]
    assert text.startswith("On ")
    assert not text.startswith("On tides")


async def test_control_shows_and_changes_the_behaviour() -> None:
    """What was not named stays; what is wrong is refused with a reason."""
    standin, _ = free()

    changed = await post(standin, "/control", {"latency_factor": 2.5})
    refused = await post(standin, "/control", {"error_rate": 7})

    shown = await get(standin, "/control")

    assert shown.json() == changed.json()
    assert changed.json() == {"latency_factor": 2.5, "error_rate": 0.0, "off_subject": False}
    assert (refused.status_code, refused.json()) == (
        400,
        {"error": "error_rate: expected a number from 0 to 1"},
    )


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        pytest.param("192.0.2.7", {}, id="another machine"),
        pytest.param("unix:", {}, id="no address"),
        pytest.param("127.0.0.1", {"origin": "https://evil.example"}, id="a page in the browser"),
    ],
)
async def test_control_answers_this_machine_only(client: str, headers: dict[str, str]) -> None:
    """403, and nothing changes."""
    standin, _ = free()

    response = await post(standin, "/control", {"error_rate": 1}, client, **headers)

    assert response.status_code == 403
    assert standin.behaviour == Behaviour()


async def test_one_seed_is_one_behaviour() -> None:
    """Texts and times are repeatable."""
    (one, clock_one), (two, clock_two) = free(VENICE, 9), free(VENICE, 9)
    path = "/api/v1/chat/completions"

    texts = [
        [(await post(standin, path, QUESTION)).text for _ in range(3)] for standin in (one, two)
    ]

    assert texts[0] == texts[1]
    assert clock_one.waited == clock_two.waited
