"""Simulated users and their traffic."""

from __future__ import annotations

import random
import socket
import statistics
from pathlib import Path

import httpx2
import pytest
from tests.reference.conftest import run_service

from sakshi.model.clock import SystemClock
from sakshi.reference.standin import load_facts
from sakshi.reference.traffic import Traffic, TrafficSettings
from sakshi.reference.traffic.script import (
    TURNS_MAX,
    TURNS_MIN,
    load_questions,
    write_conversation,
)
from sakshi.reference.traffic.user import HttpUser, TurnFailedError, WebSocketUser

QUESTIONS = load_questions()


def test_users_ask_about_what_the_standins_know() -> None:
    """The same subjects, several questions on each."""
    assert list(QUESTIONS) == load_facts().subjects
    assert all(len(asked) >= 5 for asked in QUESTIONS.values())


def test_conversations_stay_on_one_subject_and_repeat_no_question() -> None:
    """A few turns, the first of them a question of the subject."""
    chance = random.Random(1)
    subject_of = {question: s for s, asked in QUESTIONS.items() for question in asked}

    for _ in range(200):
        turns = write_conversation(QUESTIONS, chance)
        asked = [turn for turn in turns if turn in subject_of]
        assert TURNS_MIN <= len(turns) <= TURNS_MAX
        assert len({subject_of[turn] for turn in asked}) == 1
        assert turns[0] in subject_of
        assert len(set(asked)) == len(asked)


async def test_arrivals_are_a_poisson_process_of_the_rate() -> None:
    """Mean and standard deviation of the pauses are both 1 / rate."""
    traffic = Traffic("http://nowhere", TrafficSettings(rate=20, seed=1), SystemClock())

    pauses = [traffic.next_pause() for _ in range(20_000)]

    assert statistics.mean(pauses) == pytest.approx(1 / 20, rel=0.03)
    assert statistics.stdev(pauses) == pytest.approx(1 / 20, rel=0.03)


@pytest.mark.slow
async def test_every_message_is_answered_and_counted_on_both_sides(tmp_path: Path) -> None:
    """What the traffic counts as sent, the service has counted as accepted."""
    settings = TrafficSettings(rate=100, seed=1)
    async with run_service(tmp_path) as service:
        async with Traffic(service.url, settings, SystemClock()) as traffic:
            while traffic.counts.ok < 60 and not traffic.counts.failed:
                await SystemClock().sleep(0.01)
        counts = traffic.counts
        samples = await service.scrape()
        while samples["websocket_active_connections"]:  # who left midway is noticed a little later
            samples = await service.scrape()

    accepted = [
        samples[f'consciousness_messages_total{{transport="{t}"}}'] for t in ("http", "websocket")
    ]
    assert counts.failed == counts.dropped == 0
    assert counts.ok <= sum(accepted) <= counts.sent
    assert all(count > 5 for count in accepted)


@pytest.mark.slow
async def test_messages_beyond_the_bound_are_dropped_and_not_queued(tmp_path: Path) -> None:
    """A service that does not answer does not fill the memory of its users."""
    settings = TrafficSettings(rate=500, in_flight_max=3, seed=1)
    async with run_service(tmp_path) as service:
        for standin in service.standins.values():
            standin.behaviour.change({"latency_factor": 100})
        async with Traffic(service.url, settings, SystemClock()) as traffic:
            while traffic.counts.dropped < 20:
                await SystemClock().sleep(0.01)
            in_flight = traffic.counts.sent - traffic.counts.ok - traffic.counts.failed

    assert in_flight <= 3


async def test_a_service_that_is_not_there_is_a_failure_with_a_reason() -> None:
    """Both kinds of users say why."""
    reasons: list[str] = []
    with socket.socket() as silent:  # bound, so that nobody else listens there; not listening
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings = TrafficSettings(rate=1000, seed=1)
        async with Traffic(url, settings, SystemClock(), reasons.append) as traffic:
            while traffic.counts.failed < 10:
                await SystemClock().sleep(0.01)

    assert traffic.counts.ok == 0
    assert {reason.partition("(")[0] for reason in reasons} == {
        "ConnectError",
        "ConnectionRefusedError",
    }


async def test_a_websocket_user_hears_the_pieces_and_the_reply(tmp_path: Path) -> None:
    """Deltas first, then the whole; an error message is a failed turn."""
    pieces: list[str] = []
    async with run_service(tmp_path) as service:
        user = WebSocketUser(service.url, "s-1", "ada", pieces.append)
        reply = await user.say("Why do tides follow the Moon?")
        with pytest.raises(TurnFailedError, match="expected a text, found an empty one"):
            await user.say(" ")
        await user.leave()

    assert len(pieces) > 1
    assert reply.startswith("".join(pieces)[:20])


async def test_a_refusal_is_a_failed_turn() -> None:
    """An HTTP user says with which status."""
    refuse = httpx2.MockTransport(lambda request: httpx2.Response(502))
    async with httpx2.AsyncClient(transport=refuse) as http:
        user = HttpUser("http://service", http, "s-1", "ada")
        with pytest.raises(TurnFailedError, match="HTTP 502"):
            await user.say("Why do tides follow the Moon?")
