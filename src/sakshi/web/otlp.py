"""`/api/v1/otlp/v1/metrics`: what OpenTelemetry exports, received.

Answers are OTLP's, in the encoding of the request: an empty message, or a partial success that says
what was not taken; of an error, a Status with a text.

Source:
    https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import orjson
from starlette.requests import Request
from starlette.responses import Response

from sakshi.exposition.errors import ExportError, TooLargeError
from sakshi.exposition.otlp import read_json, read_protobuf
from sakshi.exposition.otlp_translation import ExportedSample, RefusedMetric, translate_export
from sakshi.exposition.wire import format_bytes_field, format_varint_field
from sakshi.model.errors import BadInputError
from sakshi.web.body import decompress_gzip, media_type, read_body
from sakshi.web.errors import ApiError
from sakshi.web.guard import refuse_other_sites
from sakshi.web.receipt import Receipt, RefusalReason
from sakshi.web.received_series import ReceivedSeries, RefusedSeriesError, check_pairs
from sakshi.web.receiver import ReceivedSamples
from sakshi.web.services import Services

BODY_BYTES_MAX: Final = 16 << 20  # as it comes
PLAIN_BYTES_MAX: Final = 32 << 20  # uncompressed

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

_READERS: Final = {PROTOBUF: read_protobuf, JSON: read_json}
_ENCODINGS: Final = ("", "identity", "gzip")


async def metrics(services: Services, request: Request) -> Response:
    """Take an export in: 200 once its samples are durable, with what was not taken."""
    refuse_other_sites(request)
    kind, _ = media_type(request)
    if kind not in _READERS:
        return _status(JSON, 415, f"expected {PROTOBUF} or {JSON} as Content-Type, found {kind!r}")
    encoding = request.headers.get("content-encoding", "").lower()
    if encoding not in _ENCODINGS:
        return _status(kind, 415, f"expected gzip as Content-Encoding, found {encoding!r}")
    try:
        with services.receiver.admitted():
            body = await read_body(request, BODY_BYTES_MAX)
            receipt = await services.receiver.receive(
                lambda series, receipt: read_export(body, kind, encoding == "gzip", series, receipt)
            )
    except TooLargeError as error:
        return _status(kind, 413, str(error))
    except BadInputError as error:
        return _status(kind, 400, str(error))
    except ApiError as error:
        return _status(kind, error.kind.status, str(error), error.headers)
    return _success(kind, receipt)


def read_export(
    body: bytes, kind: str, is_compressed: bool, series: ReceivedSeries, receipt: Receipt
) -> ReceivedSamples:
    """Return the samples of an export; note in the receipt what is refused.

    Raises:
        BadInputError: it is no export.
        ApiError: it is not gzip's, or too large.
    """
    if is_compressed:
        body = decompress_gzip(body, PLAIN_BYTES_MAX)
    places: list[int] = []
    taken: list[ExportedSample] = []
    for item in _translate(body, kind):
        if not isinstance(item, ExportedSample):
            receipt.samples += item.points
            receipt.refuse(RefusalReason.UNSUPPORTED, item.reason, item.points)
            continue
        receipt.samples += 1
        try:
            places.append(series.place_of_labels(check_pairs(item.pairs)))
            taken.append(item)
        except RefusedSeriesError as error:
            receipt.refuse(RefusalReason.INVALID_SERIES, str(error))
    return ReceivedSamples(
        np.array(places, np.int64),
        np.array([item.timestamp_ms for item in taken], np.int64),
        np.array([item.value for item in taken], np.float64),
    )


def _translate(body: bytes, kind: str) -> Sequence[ExportedSample | RefusedMetric]:
    try:
        return list(translate_export(_READERS[kind](body)))
    except RecursionError:
        raise ExportError("an attribute", "a value of some depth", "a deeper one") from None


def _success(kind: str, receipt: Receipt) -> Response:
    if not receipt.refused:
        return Response(b"{}" if kind == JSON else b"", media_type=kind)
    if kind == JSON:
        partial = {"rejectedDataPoints": str(receipt.refused_count), "errorMessage": str(receipt)}
        return Response(orjson.dumps({"partialSuccess": partial}), media_type=kind)
    message = format_varint_field(1, receipt.refused_count)
    message += format_bytes_field(2, str(receipt).encode())
    return Response(format_bytes_field(1, message), media_type=kind)


def _status(
    kind: str, status: int, text: str, headers: Mapping[str, str] | None = None
) -> Response:
    body = orjson.dumps({"message": text}) if kind == JSON else format_bytes_field(2, text.encode())
    return Response(body, status, headers, media_type=kind)
