"""A receiver of Alertmanager's webhook, which notes when it heard of each alert."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from benchmarks.moments import Moments


class Hook:
    """Listens on loopback from construction to the end of the block.

    Args:
        moments: gets a moment for each alert, named by `alert_key`.
    """

    def __init__(self, moments: Moments) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                heard_at = time.time()
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                for alert in body.get("alerts", []):
                    moments.note(alert_key(alert["labels"], alert["status"]), heard_at)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is posted to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def alert_key(labels: Mapping[str, str], state: str) -> tuple[int, str]:
    """Return what names a change of an alert: its slot, and the state that it went to."""
    return int(labels.get("slot", -1)), state
