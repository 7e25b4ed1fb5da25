"""Child processes that end with us, however we end.

Each child's standard input is a pipe that we hold and never write to: when this process is gone, by
whatever means, the pipe closes and the child stops by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sakshi.model.errors import SakshiError

START_SECONDS_MAX: Final = 30.0
STOP_SECONDS_MAX: Final = 15.0
LOG_LINES_SHOWN: Final = 15


class ChildError(SakshiError):
    """A child did not start, or ended by itself; the message ends with what it said last."""


class Child:
    """One child process, running from `__aenter__` to `__aexit__`.

    Args:
        name: for messages and its log file.
        arguments: behind `python -m`.
        log: where its standard error goes.
        environment: of the child, whole.
    """

    def __init__(
        self, name: str, arguments: Sequence[str], log: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self._arguments = arguments
        self._log = log
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=dict(self._environment),
                start_new_session=True,  # Ctrl-C is ours: children are stopped in order
            )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop it: asked at first, killed if it does not listen."""
        assert self._process is not None
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
        try:
            await asyncio.wait_for(self._process.communicate(), STOP_SECONDS_MAX)
        except TimeoutError:
            self._process.kill()
            await self._process.communicate()

    async def read_ready(self) -> Mapping[str, str]:
        """Return the addresses of the line of JSON that it prints when it is ready.

        Raises:
            ChildError: it ended or said nothing in time.
        """
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), START_SECONDS_MAX)
        except TimeoutError:
            raise ChildError(f"{self.name} did not start in time\n{self.last_words()}") from None
        if not line:
            await self._process.wait()
            raise ChildError(f"{self.name} did not start\n{self.last_words()}")
        ready: dict[str, Any] = json.loads(line)
        return dict(ready["ready"])

    async def ended(self) -> None:
        """Wait until it ends by itself, which it should not.

        Raises:
            ChildError: it did.
        """
        assert self._process is not None
        code = await self._process.wait()
        raise ChildError(f"{self.name} ended by itself with exit code {code}\n{self.last_words()}")

    def last_words(self) -> str:
        """Return the last lines of its standard error."""
        lines = self._log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        return "\n".join(f"  {line}" for line in lines)
