"""A client of a server on loopback that has Prometheus' HTTP API; keeps its connection."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlencode

TIMEOUT_SECONDS = 60.0


class ApiError(Exception):
    """The server answered, with an error; the message quotes it."""


UNREACHABLE = (OSError, http.client.HTTPException)
"""What a request raises while nobody answers at the port."""


class Api:
    """One connection to a port of 127.0.0.1; belongs to one thread."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: http.client.HTTPConnection | None = None

    def request(self, path: str, method: str = "GET", **parameters: Any) -> bytes:
        """Return the body of an answer; asks again, once, where a kept connection had ended.

        Raises:
            ApiError: the status is 400 or above.
            OSError, http.client.HTTPException: nobody answered.
        """
        target = f"{path}?{urlencode(parameters)}" if parameters else path
        if self._connection is not None:
            try:
                return self._request(self._connection, target, method)
            except UNREACHABLE:
                self.close()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)
        body = self._request(connection, target, method)
        self._connection = connection
        return body

    def _request(self, connection: http.client.HTTPConnection, target: str, method: str) -> bytes:
        connection.request(method, target)
        response = connection.getresponse()
        body = response.read()
        if response.status >= 400:
            raise ApiError(f"{target}: {response.status} {body[:300]!r}")
        return body

    def json(self, path: str, method: str = "GET", **parameters: Any) -> Any:
        """Return the parsed body of an answer."""
        return json.loads(self.request(path, method, **parameters))

    def query(self, expr: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return the result of an instant query."""
        result: list[dict[str, Any]] = self.json("/api/v1/query", query=expr, **parameters)["data"][
            "result"
        ]
        return result

    def value(self, expr: str, **parameters: Any) -> float:
        """Return the value of the first series of an instant query; 0.0 where there is none."""
        result = self.query(expr, **parameters)
        return float(result[0]["value"][1]) if result else 0.0

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
