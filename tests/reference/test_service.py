"""The whole service with its stand-ins, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tests.reference.conftest import RunningService, run_service
from websockets.asyncio.client import connect

from sakshi.instrument import Metrics
from sakshi.model.clock import SystemClock
from sakshi.reference import ServiceSettings, bind
from sakshi.reference.pipeline import LAYERS
from sakshi.reference.service import open_service

CHAT = "/api/consciousness/chat"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[RunningService]:
    async with run_service(tmp_path) as service:
        yield service


def total(samples: dict[str, float], name: str, *parts: str) -> float:
    """Return the sum of a family's samples whose labels contain the parts."""
    return sum(
        value
        for key, value in samples.items()
        if key.partition("{")[0] == name and all(part in key for part in parts)
    )


async def converse(url: str, *messages: object) -> list[list[dict[str, Any]]]:
    """Send messages over one WebSocket; return what came for each."""
    turns = []
    async with connect(url.replace("http", "ws") + "/ws", proxy=None) as socket:
        for message in messages:
            await socket.send(message if isinstance(message, str | bytes) else json.dumps(message))
            turn = [json.loads(await socket.recv())]
            while turn[-1]["type"] == "delta":
                turn.append(json.loads(await socket.recv()))
            turns.append(turn)
    return turns


async def test_the_metrics_are_what_happened(service: RunningService) -> None:
    """Each number on /metrics is a number of things that the test did."""
    for number in range(5):
        response = await service.chat(f"Why do tides follow the Moon, {number}?", "s-1")
        assert response.status_code == 200
    hello = {"message": "How do honeybees dance?", "sessionId": "s-2", "userId": "bob"}
    turns = await converse(service.url, hello, {"message": "Why?", "sessionId": "s-2"}, "rubbish")
    await service.http.post(service.url + CHAT, content=b"rubbish")
    await service.http.get(service.url + "/api/consciousness/process")
    await service.http.get(service.url + "/no/such/path")
    samples = await service.scrape()

    assert [turn[-1]["type"] for turn in turns] == ["final", "final", "error"]
    responses = "consciousness_response_time_seconds_count"
    assert total(samples, responses, CHAT, '"POST"', '"200"') == 5
    assert total(samples, responses, CHAT, '"400"') == 1
    assert total(samples, responses, "__unmatched__", '"404"') == 1
    assert total(samples, responses) == 8
    messages = "consciousness_messages_total"
    assert total(samples, messages, "http") == 5
    assert total(samples, messages, "websocket") == 2
    runs = "consciousness_pipeline_runs_total"
    assert (total(samples, runs, "success"), total(samples, runs, "failure")) == (7, 0)
    layers = "consciousness_pipeline_duration_seconds_count"
    assert {
        name: total(samples, layers, f'"{name}"') for name in (*LAYERS, "total")
    } == dict.fromkeys((*LAYERS, "total"), 7)
    assert total(samples, layers, '"total"', 'user_id="bob"') == 1
    assert total(samples, "websocket_turn_latency_seconds_count") == 3
    assert total(samples, "websocket_active_connections") == 0
    requests = total(samples, "ai_requests_total", "success")
    asked = sum(standin.answer_count for standin in service.standins.values())
    assert 7 <= requests <= asked <= 14
    assert total(samples, "database_connection_attempts_total", "success") >= 7 * 2
    assert total(samples, "database_connections", "active") == 0
    assert total(samples, "consciousness_memory_usage_bytes", "disk") > 4096


async def test_a_reply_names_its_session_its_providers_and_its_times(
    service: RunningService,
) -> None:
    """The API of the chat."""
    fields = (await service.chat("Why do tides follow the Moon?")).json()

    assert set(fields) == {"reply", "sessionId", "turn", "providers", "model", "pipeline"}
    assert fields["sessionId"] == "s-1"
    assert tuple(fields["pipeline"]) == LAYERS
    assert "tide" in fields["reply"].lower()


async def test_a_conversation_goes_on(service: RunningService) -> None:
    """The second reply knows the first message's subject and does not repeat its facts."""
    first = (await service.chat("Why do tides follow the Moon?")).json()
    second = (await service.chat("That is interesting. Why is that?")).json()

    assert second["turn"] == 2
    assert "tide" in second["reply"].lower()
    assert second["reply"] != first["reply"]


async def test_a_failing_provider_is_counted_and_replaced(service: RunningService) -> None:
    """Users get their replies; the failures are on /metrics."""
    service.standins["gemini"].behaviour.change({"error_rate": 1})

    responses = await asyncio.gather(*(service.chat("Why tides?", f"s-{n}") for n in range(30)))
    samples = await service.scrape()

    assert {response.status_code for response in responses} == {200}
    assert total(samples, "ai_requests_total", "gemini", "failure") > 0
    assert total(samples, "ai_requests_total", "gemini", "success") == 0
    assert total(samples, "ai_requests_total", "openai", "failure") == 0
    assert total(samples, "consciousness_pipeline_runs_total", "failure") == 0


async def test_a_slow_provider_shows_in_the_histogram(service: RunningService) -> None:
    """Sixty times slower, and so are the recorded times, of this provider only."""
    service.standins["venice"].behaviour.change({"latency_factor": 60})

    counts = "ai_model_response_time_seconds_count"
    samples: dict[str, float] = {}
    while not (total(samples, counts, "venice") and total(samples, counts, "openai")):
        await service.chat("Why tides?")
        samples = await service.scrape()

    slow, fast = (
        total(samples, "ai_model_response_time_seconds_sum", name) / total(samples, counts, name)
        for name in ("venice", "openai")
    )
    assert slow > fast


async def test_where_no_provider_answers_the_client_is_told(service: RunningService) -> None:
    """502 over HTTP, an error over the WebSocket, a failed run each; and /process is not ready."""
    for standin in service.standins.values():
        standin.behaviour.change({"error_rate": 1})

    response = await service.chat("Why tides?")
    (turn,) = await converse(service.url, {"message": "Why?", "sessionId": "s-2"})
    process = await service.http.get(service.url + "/api/consciousness/process")
    samples = await service.scrape()

    reason = {"reason": "no provider answered"}
    assert (response.status_code, response.json()) == (502, {"error": reason})
    assert turn == [{"type": "error", "error": reason}]
    assert total(samples, "consciousness_pipeline_runs_total", "failure") == 2
    assert total(samples, "consciousness_response_time_seconds_count", '"502"') == 1
    assert process.status_code == 503
    assert process.json()["ready"] is False


async def test_the_state_of_the_pipeline_is_told(service: RunningService) -> None:
    """Layers with recent times, queue, providers, readiness."""
    before = (await service.http.get(service.url + "/api/consciousness/process")).json()
    await service.chat("Why tides?")
    after = (await service.http.get(service.url + "/api/consciousness/process")).json()

    assert before["ready"] is True
    assert before["layers"]["memory"] == {
        "count": 0,
        "last_ms": None,
        "mean_ms": None,
        "max_ms": None,
    }
    assert after["layers"]["memory"]["count"] == 1
    assert after["layers"]["generation"]["mean_ms"] > 0
    assert after["queue"] == {
        "running": 0,
        "waiting": 0,
        "running_max": 64,
        "waiting_max": 256,
    }
    assert set(after["providers"]) == {"openai", "venice", "gemini"}
    assert after["sessions"] == 1


@pytest.mark.parametrize(
    ("content", "status"),
    [
        pytest.param(b"", 400, id="nothing"),
        pytest.param(b"\xff\xfe", 400, id="no text"),
        pytest.param(b"[1]", 400, id="no object"),
        pytest.param(b"{}", 422, id="no message"),
        pytest.param(b'{"message": "x" , "sessionId": 7}', 422, id="a number as session"),
        pytest.param(b"x" * 100_000, 413, id="too large"),
    ],
)
async def test_bad_input_is_a_4xx_with_a_reason(
    service: RunningService, content: bytes, status: int
) -> None:
    """And the next message is answered as ever."""
    response = await service.http.post(service.url + CHAT, content=content)

    assert response.status_code == status
    assert response.json()["error"]["reason"].startswith("expected ")
    assert (await service.chat("Why tides?")).status_code == 200


async def test_a_websocket_survives_bad_messages(service: RunningService) -> None:
    """Each is answered by an error, the good one after them by a reply."""
    good = {"message": "Why tides?", "sessionId": "s"}

    turns = await converse(service.url, "rubbish", b"\xff", {}, "", good)

    assert [turn[-1]["type"] for turn in turns] == ["error", "error", "error", "error", "final"]
    assert turns[2][0]["error"] == {"field": "message", "reason": "expected a text, found nothing"}


async def test_deltas_come_before_the_final_message(service: RunningService) -> None:
    """They name their provider; the final message has all that HTTP has."""
    (turn,) = await converse(service.url, {"message": "Why tides?", "sessionId": "s"})

    deltas, final = turn[:-1], turn[-1]
    assert len(deltas) > 1
    assert {delta["provider"] for delta in deltas} == {final["providers"][0]}
    assert final["reply"].startswith("".join(delta["text"] for delta in deltas)[:20])
    assert final["turn"] == 1


async def test_a_client_that_leaves_gives_its_run_up(service: RunningService) -> None:
    """The gauge goes back to zero, and nothing counts as failed."""
    service.standins["openai"].behaviour.change({"latency_factor": 50})
    service.standins["venice"].behaviour.change({"latency_factor": 50})
    service.standins["gemini"].behaviour.change({"latency_factor": 50})
    url = service.url.replace("http", "ws") + "/ws"

    async with connect(url, proxy=None) as socket:
        await socket.send(json.dumps({"message": "Why tides?", "sessionId": "s"}))
        during: dict[str, float] = {}
        while total(during, "consciousness_messages_total", "websocket") == 0:
            during = await service.scrape()

    after = during
    while total(after, "websocket_active_connections"):
        after = await service.scrape()
    assert total(during, "websocket_active_connections") == 1
    assert total(after, "consciousness_pipeline_runs_total", "failure") == 0


async def test_a_restarted_service_remembers(tmp_path: Path) -> None:
    """The conversation is in the database and not in the process."""
    async with run_service(tmp_path) as first:
        await first.chat("Why do tides follow the Moon?")
    async with run_service(tmp_path) as second:
        reply = (await second.chat("Please explain that a little further.")).json()

    assert reply["turn"] == 2
    assert "tide" in reply["reply"].lower()


async def test_an_unknown_method_and_path_are_few_series(service: RunningService) -> None:
    """Whoever scans the service makes no labels."""
    for number in range(20):
        await service.http.request(f"BREW{number}", f"{service.url}/scan/{number}")

    samples = await service.scrape()
    series = [key for key in samples if key.startswith("consciousness_response_time_seconds_count")]
    assert len(series) <= 2


def test_an_address_of_another_machine_is_no_taken_port() -> None:
    """The system's own reason goes on, and the socket is closed."""
    with pytest.raises(OSError, match="Cannot assign requested address"):
        bind("192.0.2.1", 0)


async def test_a_service_needs_a_provider(tmp_path: Path) -> None:
    """Without an address of any, it does not open."""
    settings = ServiceSettings(tmp_path, {})

    with pytest.raises(ValueError, match="expected the address of at least one provider"):
        async with open_service(settings, Metrics(CollectorRegistry()), SystemClock()):
            raise AssertionError("it opened")


async def test_a_client_that_leaves_before_the_end_of_its_message_is_counted(
    service: RunningService,
) -> None:
    """Nobody hears the answer; the metrics have it as a bad request."""
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n".encode()
    host, _, port = service.url.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(head + b"{")
    await writer.drain()

    writer.close()

    count = "consciousness_response_time_seconds_count"
    samples: dict[str, float] = {}
    while not total(samples, count, CHAT):
        samples = await service.scrape()
    assert total(samples, count, CHAT, '"400"') == 1
    assert not total(samples, "consciousness_messages_total")
