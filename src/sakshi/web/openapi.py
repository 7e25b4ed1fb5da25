"""`/api/v1/sakshi/openapi.json`: what is sakshi's own in the API, as OpenAPI 3.1 describes it.

What sakshi answers as Prometheus does is described by Prometheus; it is not repeated here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sakshi.web.errors import ErrorKind
from sakshi.web.openapi_schema import (
    SCHEMAS,
    TEXT,
    Schema,
    describe,
    fields,
    reference,
)
from sakshi.web.services import Services

VERSION: Final = "3.1.0"
DESCRIPTION: Final = (
    "What is sakshi's own beside Prometheus' HTTP API: KPIs and their judgements, baselines, "
    "Alertmanagers, deliveries, transitions. A moment is seconds since the epoch or RFC 3339, a "
    "duration seconds or Prometheus' (`1m30s`)."
)

_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_ALWAYS: Final = (ErrorKind.FORBIDDEN, ErrorKind.INTERNAL)  # another Host header, a defect

Operation = Mapping[str, object]


async def openapi(services: Services, request: Request) -> Response:
    """Answer the document itself, without the envelope of the other answers."""
    return Response(
        orjson.dumps(describe_api(services.version)),
        headers={"Cache-Control": "no-store"},
        media_type=_JSON,
    )


def describe_api(version: str) -> Mapping[str, object]:
    """Return the document.

    Args:
        version: of sakshi.
    """
    return {
        "openapi": VERSION,
        "info": {
            "title": "sakshi",
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": PATHS,
        "components": {"schemas": SCHEMAS},
    }


def _operation(
    name: str,
    summary: str,
    data: str,
    *,
    parameters: Sequence[Mapping[str, object]] = (),
    form: Schema | None = None,
    errors: Sequence[ErrorKind] = (),
) -> Operation:
    """Return an operation that is answered in the envelope.

    Args:
        name: its `operationId`.
        summary: what it answers, in a line.
        data: one of the schemas.
        parameters: of path and URL.
        form: of the body.
        errors: beside those that any path answers.
    """
    envelope = fields(status={"const": "success"}, data=reference(data))
    remarks = {"warnings": {"type": "array", "items": TEXT}}
    found: dict[str, object] = {"operationId": name, "summary": summary}
    if parameters:
        found["parameters"] = parameters
    if form is not None:
        found["requestBody"] = {"required": True, "content": {_FORM: {"schema": form}}}
    answer = {**envelope, "properties": {**_properties(envelope), **remarks}}
    found["responses"] = {
        "200": _content(summary, answer),
        **{
            str(kind.status): _content(kind.word, reference("Error"))
            for kind in sorted({*errors, *_ALWAYS}, key=lambda kind: kind.status)
        },
    }
    return found


def _properties(schema: Schema) -> Mapping[str, object]:
    properties = schema["properties"]
    assert isinstance(properties, Mapping)
    return properties


def _content(description: str, schema: Schema) -> Mapping[str, object]:
    return {"description": description, "content": {_JSON: {"schema": schema}}}


def _parameter(name: str, description: str, schema: Schema = TEXT) -> Mapping[str, object]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


_NAME: Final = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "of the baseline",
    "schema": TEXT,
}
_OVER: Final = "the period before `time`, a duration"
_TIMEOUT: Final = "how long the queries may take, a duration of at most 120s"
_ROWS: Final = {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
_LIMIT: Final = _parameter("limit", "how many rows at most", _ROWS)
_QUERY_ERRORS: Final = (ErrorKind.BAD_DATA, ErrorKind.EXECUTION, ErrorKind.UNAVAILABLE)

_RECORDING: Final[Schema] = {
    "type": "object",
    "properties": {
        "name": describe("letters, digits and _ . -", TEXT),
        "over": describe(_OVER, {**TEXT, "default": "24h"}),
        "time": describe("a moment that has passed; default: now", TEXT),
        "title": TEXT,
        "replace": describe(
            "whether a baseline of this name may be replaced", {"type": "boolean", "default": False}
        ),
        "timeout": describe(_TIMEOUT, TEXT),
    },
    "required": ["name"],
}

PATHS: Final[Mapping[str, Mapping[str, Operation]]] = {
    "/api/v1/sakshi/dashboard": {
        "get": _operation("getDashboard", "What the page shows: groups, KPIs, panels", "Dashboard")
    },
    "/api/v1/sakshi/kpis": {
        "get": _operation("getKpis", "The newest judgement of each KPI", "Judgements")
    },
    "/api/v1/sakshi/baselines": {
        "get": _operation("listBaselines", "All indicators and baselines", "Baselines"),
        "post": _operation(
            "recordBaseline",
            "The baseline that was recorded",
            "BaselineValues",
            form=_RECORDING,
            errors=(*_QUERY_ERRORS, ErrorKind.CONFLICT, ErrorKind.TOO_LARGE),
        ),
    },
    "/api/v1/sakshi/baselines/{name}": {
        "get": _operation(
            "getBaseline",
            "A baseline with its values",
            "BaselineValues",
            parameters=[_NAME],
            errors=[ErrorKind.NOT_FOUND],
        ),
        "delete": _operation(
            "deleteBaseline",
            "The name of the baseline that was deleted",
            "DeletedBaseline",
            parameters=[_NAME],
            errors=[ErrorKind.NOT_FOUND, ErrorKind.CONFLICT],
        ),
    },
    "/api/v1/sakshi/baselines/{name}/comparison": {
        "get": _operation(
            "compareBaseline",
            "How the indicators stand beside a baseline",
            "Comparison",
            parameters=[
                _NAME,
                _parameter("over", _OVER, {**TEXT, "default": "1h"}),
                _parameter("time", "the period's end; default: now"),
                _parameter("timeout", _TIMEOUT),
            ],
            errors=(*_QUERY_ERRORS, ErrorKind.NOT_FOUND),
        )
    },
    "/api/v1/sakshi/alertmanagers": {
        "get": _operation(
            "listAlertmanagers",
            "How it stands with each Alertmanager that is told of alerts",
            "Alertmanagers",
        )
    },
    "/api/v1/sakshi/deliveries": {
        "get": _operation(
            "listDeliveries",
            "Notifications, newest first",
            "Deliveries",
            parameters=[_LIMIT],
            errors=[ErrorKind.BAD_DATA],
        )
    },
    "/api/v1/sakshi/transitions": {
        "get": _operation(
            "listTransitions",
            "Changes of alerts' states, newest first",
            "Transitions",
            parameters=[_LIMIT],
            errors=[ErrorKind.BAD_DATA],
        )
    },
    "/api/v1/sakshi/openapi.json": {
        "get": {
            "operationId": "getOpenapi",
            "summary": "This document",
            "responses": {"200": _content("OpenAPI 3.1", {"type": "object"})},
        }
    },
}
"""The operations of each path by method."""
