"""The wire to one Alertmanager: alerts as JSON to its API v2, and what its answer means.

    2xx              it took all of them
    400, 413, 422    it refused the post for what is in it: of several, perhaps one is bad
    all else         it may take them later

Source:
    prometheus/prometheus notifier/sendloop.go; prometheus/alertmanager api/v2/openapi.yaml
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sakshi.alerting.errors import RefusedError, RetryableError
from sakshi.alerting.http import encode_json
from sakshi.alerting.plain import cut, one_line
from sakshi.scrape import HttpConfig, ScrapeError
from sakshi.scrape.connection import HttpResponse
from sakshi.scrape.oauth2 import TokenSource
from sakshi.scrape.post import Poster

WORDS_MAX: Final = 300  # characters of an answer that an error shows

_REFUSALS: Final = frozenset({400, 413, 422})


class AlertmanagerClient:
    """Posts alerts to one Alertmanager, one post at a time.

    Args:
        url: with the path.
        timeout_ms: of one post.
        make_tls: called when an `https` URL is met.
        http: credentials, proxy and the like.
        tokens: has the token that the Alertmanager wants to see; None: it wants none.
    """

    def __init__(
        self,
        url: str,
        timeout_ms: int,
        make_tls: Callable[[], ssl.SSLContext],
        http: HttpConfig,
        tokens: TokenSource | None = None,
    ) -> None:
        headers = {"Content-Type": "application/json"}
        self._poster = Poster(url, timeout_ms, make_tls, http=http, headers=headers, tokens=tokens)

    async def post(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Post alerts; return once the Alertmanager has taken all of them.

        Raises:
            RefusedError: it did not take them for what they say.
            RetryableError: it may take them later.
        """
        try:
            response = await self._poster.post(encode_json(alerts))
        except ScrapeError as error:
            raise RetryableError(str(error)) from error
        if not 200 <= response.status < 300:
            raise _describe(response)

    def close(self) -> None:
        """Close the connection."""
        self._poster.close()


def _describe(response: HttpResponse) -> RefusedError | RetryableError:
    words = cut(one_line(response.body.decode("utf-8", "replace")), WORDS_MAX)
    status = f"HTTP status {response.status} {response.reason}".rstrip()
    reason = status + (f": {words}" if words else "")
    if response.status in _REFUSALS:
        return RefusedError(reason)
    value = response.headers.get("retry-after", "").strip()
    is_number = value.isascii() and value.isdecimal()
    return RetryableError(reason, float(value) if is_number else None)
