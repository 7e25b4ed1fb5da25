"""A client of Prometheus' HTTP API, on the standard library alone."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sakshi.cli.address import is_loopback
from sakshi.model.errors import SakshiError

OWN_PATHS: Final = "sakshi/"  # what no other server has
TIMEOUT_SECONDS: Final = 130  # the server stops a query after two minutes and says so


class NoAnswerError(SakshiError):
    """The server did not answer, or not as Prometheus' API does; the message says why."""


class Client:
    """Asks one server.

    Args:
        url: of the server, without a slash at its end.
        timeout_seconds: for each answer.
    """

    def __init__(self, url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        host = urllib.parse.urlsplit(url).hostname or ""
        handlers = [urllib.request.ProxyHandler({})] if is_loopback(host) else []
        self._opener = urllib.request.build_opener(*handlers)

    def ask(self, path: str, parameters: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the answer to a form, an error's too: it has `status`.

        Args:
            path: behind `/api/v1/`.
            parameters: of the form.

        Raises:
            NoAnswerError: there was none.
        """
        return self._call("POST", path, urllib.parse.urlencode(parameters).encode())

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """Return what is at a path, an error's answer too: it has `status`.

        Args:
            path: behind `/api/v1/`; names in it quoted.
            parameters: of the URL.

        Raises:
            NoAnswerError: there was none.
        """
        query = urllib.parse.urlencode(parameters or {})
        return self._call("GET", f"{path}?{query}" if query else path)

    def delete(self, path: str) -> Mapping[str, Any]:
        """Return the answer to a deletion, an error's too: it has `status`.

        Args:
            path: behind `/api/v1/`; names in it quoted.

        Raises:
            NoAnswerError: there was none.
        """
        return self._call("DELETE", path)

    def send(self, path: str, body: bytes, content_type: str) -> Mapping[str, Any]:
        """Return the answer to a body that is no form, an error's too: it has `status`.

        Args:
            path: behind `/api/v1/`, with the parameters of the URL.
            body: of the request.
            content_type: of the body.

        Raises:
            NoAnswerError: there was none.
        """
        return self._call("POST", path, body, {"Content-Type": content_type})

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Mapping[str, Any]:
        url = f"{self._url}/api/v1/{path}"
        try:
            answer = self._fetch(urllib.request.Request(url, body, dict(headers), method=method))
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswerError(f"no answer from {self._url}: {_reason(error)}") from None
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or "status" not in answer:
            raise NoAnswerError(self._describe_stranger(path))
        return answer

    def _describe_stranger(self, path: str) -> str:
        """Return in words what the server is, whose answer is none of the API's."""
        version = self._find_version() if path.startswith(OWN_PATHS) else ""
        if not version:
            return f"{self._url} does not speak Prometheus' API"
        return (
            f"{self._url} is a Prometheus ({version}), or speaks as one: it has no sakshi KPIs and "
            "baselines; `sakshi query` works there"
        )

    def _find_version(self) -> str:
        """Return the version of a server that is no sakshi; empty where it says none."""
        request = urllib.request.Request(f"{self._url}/api/v1/status/buildinfo")
        try:
            return str(self._fetch(request)["data"]["version"])
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
            return ""

    def _fetch(self, request: urllib.request.Request) -> Any:
        try:
            with self._opener.open(request, timeout=self._timeout_seconds) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return json.load(error)


def _reason(error: Exception) -> str:
    """Return in words what urllib wraps once or twice."""
    cause = getattr(error, "reason", None) or error
    return str(getattr(cause, "strerror", None) or cause or type(cause).__name__)
