"""The envelope of the HTTP API: `{"status": "success", "data": ...}`, or an error.

Every error becomes an answer here and nowhere else: the table `ERROR_HANDLERS`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sakshi.kpi import (
    BaselineError,
    BaselineExistsError,
    BaselineFileError,
    BaselineNameError,
    TooManyBaselinesError,
    UnknownBaselineError,
)
from sakshi.promql.errors import (
    QueryError,
    QuerySyntaxError,
    QueryTimeoutError,
    QueryTypeError,
)
from sakshi.web.errors import ApiError, ErrorKind

logger = logging.getLogger(__name__)

_NO_STORE: Final = {"Cache-Control": "no-store"}
_QUERY_KINDS: Final[Sequence[tuple[type[QueryError], ErrorKind]]] = (
    (QuerySyntaxError, ErrorKind.BAD_DATA),
    (QueryTypeError, ErrorKind.BAD_DATA),
    (QueryTimeoutError, ErrorKind.TIMEOUT),
    (QueryError, ErrorKind.EXECUTION),
)
_BASELINE_KINDS: Final[Mapping[type[BaselineError], ErrorKind]] = {
    BaselineNameError: ErrorKind.BAD_DATA,
    UnknownBaselineError: ErrorKind.NOT_FOUND,
    BaselineExistsError: ErrorKind.CONFLICT,
    TooManyBaselinesError: ErrorKind.CONFLICT,
    BaselineFileError: ErrorKind.INTERNAL,
}


def success(data: object, *, warnings: Sequence[str] = (), infos: Sequence[str] = ()) -> Response:
    """Return an answer with data; NaN and infinities become null."""
    return success_encoded(orjson.dumps(data), warnings=warnings, infos=infos)


def success_encoded(
    data: bytes, *, warnings: Sequence[str] = (), infos: Sequence[str] = ()
) -> Response:
    """Return an answer with data that is JSON already."""
    parts = [b'{"status":"success","data":', data]
    if warnings:
        parts += [b',"warnings":', orjson.dumps(list(warnings))]
    if infos:
        parts += [b',"infos":', orjson.dumps(list(infos))]
    return _json(b"".join([*parts, b"}"]), 200)


def failure(kind: ErrorKind, message: str, headers: Mapping[str, str] = _NO_STORE) -> Response:
    """Return an error answer."""
    body = {"status": "error", "errorType": kind.word, "error": message}
    return _json(orjson.dumps(body), kind.status, {**_NO_STORE, **headers})


def _json(body: bytes, status: int, headers: Mapping[str, str] = _NO_STORE) -> Response:
    return Response(body, status, headers, media_type="application/json")


async def _answer_api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return failure(error.kind, str(error), error.headers)


async def _answer_query_error(_request: Request, error: Exception) -> Response:
    kind = next(kind for tree, kind in _QUERY_KINDS if isinstance(error, tree))
    prefix = 'invalid parameter "query": ' if kind is ErrorKind.BAD_DATA else ""
    return failure(kind, f"{prefix}{error}")


async def _answer_baseline_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, BaselineError)
    return failure(_BASELINE_KINDS[type(error)], str(error))


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        text = f"{request.method} is not allowed at {request.url.path}"
        return failure(ErrorKind.METHOD, text, headers)
    return failure(ErrorKind.NOT_FOUND, f"there is nothing at {request.url.path}", headers)


async def _answer_defect(request: Request, error: Exception) -> Response:
    logger.error("defect path=%s", request.url.path, exc_info=error)
    return failure(ErrorKind.INTERNAL, "an internal error, see sakshi's log")


ErrorHandler = Callable[[Request, Exception], Awaitable[Response]]

ERROR_HANDLERS: Final[Mapping[type[Exception], ErrorHandler]] = {
    ApiError: _answer_api_error,
    QueryError: _answer_query_error,
    BaselineError: _answer_baseline_error,
    HTTPException: _answer_http_error,
    Exception: _answer_defect,
}
"""What answers each kind of error that an endpoint raises."""
