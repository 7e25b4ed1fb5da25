"""The demo from begin to end: starts every part, lets the provider fail, prints, ends, judges."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx2

from sakshi.demo.child import Child, ChildError
from sakshi.demo.configuration import Addresses, describe, write_configuration
from sakshi.demo.incident import ALERT, CALM_SECONDS, PROVIDER, play
from sakshi.demo.summary import moment, render_summary
from sakshi.demo.witness import Witness
from sakshi.model.clock import SystemClock
from sakshi.reference.errors import PortTakenError
from sakshi.reference.receivers import Receivers
from sakshi.reference.server import bind
from sakshi.reference.traffic import Traffic, TrafficSettings

READY_SECONDS_MAX: Final = 30.0
READY_STEP_SECONDS: Final = 0.1
HOST: Final = "127.0.0.1"


@dataclass(frozen=True)
class DemoSettings:
    """What a user may choose.

    Args:
        port: of sakshi's page.
        service_port: of the messaging service.
        duration_seconds: None: until Ctrl-C.
        data: folder to keep; None: a temporary one.
    """

    port: int = 9090
    service_port: int = 5000
    duration_seconds: float | None = None
    data: Path | None = None


class PortError(ChildError):
    """A port is taken; the message names it and what chooses another."""


async def run_demo(settings: DemoSettings, say: Callable[[str], None]) -> bool:
    """Show the demo; return whether the incident was detected, delivered and resolved.

    Args:
        settings: what the user chose.
        say: prints a line.

    Raises:
        PortError: a port is taken.
        ChildError: a part of the demo ended by itself.
    """
    check_ports(settings)
    with contextlib.ExitStack() as stack:
        if settings.data is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sakshi-demo-"))
            settings = replace(settings, data=Path(folder))
        assert settings.data is not None
        settings.data.mkdir(parents=True, exist_ok=True)
        return await _Show(settings, settings.data, say).run()


def check_ports(settings: DemoSettings) -> None:
    """Find out that a port is taken before anything starts.

    Raises:
        PortError: naming port, option and variable.
    """
    ports = (
        (settings.port, "port", "PORT"),
        (settings.service_port, "service-port", "SERVICE_PORT"),
    )
    for port, option, variable in ports:
        try:
            bind(HOST, port).close()
        except PortTakenError:
            raise PortError(
                f"port {port} is taken; choose another: --{option} N (make demo {variable}=N)"
            ) from None


class _Show:
    """One showing."""

    def __init__(self, settings: DemoSettings, data: Path, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._data = data
        self._say = say
        self._clock = SystemClock()
        self._begin = self._clock.monotonic()
        self._witness = Witness(self._elapsed, self._tell)
        self._url = f"http://{HOST}:{settings.port}"

    async def run(self) -> bool:
        """Show it; return whether all went as it should."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        self._say("Starting the messaging service, its providers and sakshi ...")
        async with self._parts() as (children, control_url, traffic):
            self._introduce()
            self._begin = self._clock.monotonic()
            self._tell("traffic begins: about 20 messages a second")
            async with traffic:
                await self._until_end(stop, children, control_url)
                summary = await self._summarise()
        self._say(summary)
        counts = traffic.counts
        self._say(
            f"\nTraffic: {counts.sent} messages sent, {counts.ok} answered, {counts.failed} failed."
        )
        return self._judge()

    @contextlib.asynccontextmanager
    async def _parts(self) -> AsyncIterator[tuple[list[Child], str, Traffic]]:
        async with contextlib.AsyncExitStack() as stack:
            receivers = await stack.enter_async_context(
                Receivers(self._witness.receive, self._clock)
            )
            providers = await self._start(
                stack, "providers", ["sakshi.reference", "providers", "--port", "0"]
            )
            urls = await providers.read_ready()
            service_arguments = [
                "sakshi.reference",
                "serve",
                "--port",
                str(self._settings.service_port),
            ]
            service_arguments += ["--data", str(self._data / "service")]
            for name, url in urls.items():
                service_arguments += [f"--{name}-url", url]
            service = await self._start(stack, "service", service_arguments)
            await service.read_ready()
            sakshi = await self._start_sakshi(stack, receivers)
            traffic = Traffic(
                f"http://{HOST}:{self._settings.service_port}", TrafficSettings(), self._clock
            )
            yield [providers, service, sakshi], control_url_of(urls[PROVIDER]), traffic

    async def _start(
        self,
        stack: contextlib.AsyncExitStack,
        name: str,
        arguments: list[str],
        environment: Mapping[str, str] | None = None,
    ) -> Child:
        return await stack.enter_async_context(
            Child(
                name,
                [*arguments, "--exit-with-parent"],
                self._data / f"{name}.log",
                {**os.environ, **(environment or {})},
            )
        )

    async def _start_sakshi(self, stack: contextlib.AsyncExitStack, receivers: Receivers) -> Child:
        smtp_host, smtp_port = receivers.smtp_address
        addresses = Addresses(
            service=f"{HOST}:{self._settings.service_port}",
            smtp=f"{smtp_host}:{smtp_port}",
            slack_url=receivers.slack_url,
            pagerduty_url=receivers.pagerduty_url,
        )
        config = write_configuration(self._data, addresses)
        arguments = [
            "sakshi",
            "serve",
            "--config",
            str(config),
            "--data",
            str(self._data / "sakshi"),
        ]
        arguments += ["--listen", f"{HOST}:{self._settings.port}"]
        sakshi = await self._start(stack, "sakshi", arguments, addresses.environment())
        await self._wait_ready(sakshi)
        return sakshi

    async def _wait_ready(self, sakshi: Child) -> None:
        ended = asyncio.ensure_future(sakshi.ended())
        try:
            async with (
                asyncio.timeout(READY_SECONDS_MAX),
                httpx2.AsyncClient(trust_env=False) as http,
            ):
                while not ended.done():
                    with contextlib.suppress(httpx2.TransportError):
                        if (await http.get(f"{self._url}/-/ready")).status_code == 200:
                            return
                    await asyncio.wait([ended], timeout=READY_STEP_SECONDS)
                await ended
        except TimeoutError:
            raise ChildError(f"sakshi did not start in time\n{sakshi.last_words()}") from None
        finally:
            ended.cancel()

    async def _until_end(
        self, stop: asyncio.Event, children: list[Child], control_url: str
    ) -> None:
        """Let it all happen until the time is up, somebody says stop, or a part fails."""
        repeat = self._settings.duration_seconds is None
        ends = [asyncio.ensure_future(stop.wait())]
        if self._settings.duration_seconds is not None:
            ends.append(asyncio.ensure_future(asyncio.sleep(self._settings.duration_seconds, True)))
        tasks: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(play(control_url, self._clock, self._tell, repeat=repeat)),
            asyncio.ensure_future(self._witness.follow(f"ws://{HOST}:{self._settings.port}/ws")),
            *(asyncio.ensure_future(child.ended()) for child in children),
        ]
        failure = asyncio.ensure_future(asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION))
        try:
            await asyncio.wait([*ends, failure], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in [*ends, failure, *tasks]:
                future.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*ends, failure, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def _summarise(self) -> str:
        async with httpx2.AsyncClient(trust_env=False) as http:
            metrics = (await http.get(f"{self._url}/metrics")).text
            kpis = (await http.get(f"{self._url}/api/v1/sakshi/kpis")).json()["data"]["kpis"]
            dashboard = (await http.get(f"{self._url}/api/v1/sakshi/dashboard")).json()["data"]
        return render_summary(metrics, dashboard["kpis"], kpis, self._witness)

    def _introduce(self) -> None:
        self._say(f"""
  page       {self._url}
  service    http://{HOST}:{self._settings.service_port}
  providers  openai, venice, gemini: local stand-ins that speak the real protocols
  files      {self._data}

{describe()}
It takes a window until the indicators settle. After {CALM_SECONDS:.0f} seconds {PROVIDER} slows
down, then fails. Ctrl-C ends everything.
""")

    def _judge(self) -> bool:
        if self._witness.is_complete(ALERT):
            self._say("The incident was detected, delivered to all channels, and resolved.")
            return True
        self._say(
            f"The incident was not seen to its end: {ALERT} should fire, be told, and resolve."
        )
        return False

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._begin

    def _tell(self, text: str) -> None:
        self._say(f"{moment(self._elapsed())}  {text}")


def control_url_of(provider_url: str) -> str:
    """Return where a stand-in takes orders.

    Example:
        >>> control_url_of("http://127.0.0.1:5011/api/v1")
        'http://127.0.0.1:5011/control'
    """
    return str(httpx2.URL(provider_url).copy_with(path="/control"))
