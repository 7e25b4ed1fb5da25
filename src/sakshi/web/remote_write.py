"""`/api/v1/write`: Prometheus' remote write 1.0, received.

An error is a text, as Prometheus answers it: senders log it. They repeat what is answered with 5xx,
and drop what is answered with 4xx.

Source:
    https://prometheus.io/docs/specs/prw/remote_write_spec/
    prometheus/prometheus storage/remote/write_handler.go
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sakshi.exposition.errors import TooLargeError, WireFormatError
from sakshi.exposition.remote_write import (
    WrittenBatch,
    decompress,
    read_label_pairs,
    read_write_request,
)
from sakshi.web.body import media_type, read_body
from sakshi.web.errors import ApiError
from sakshi.web.guard import refuse_other_sites
from sakshi.web.receipt import Receipt, RefusalReason
from sakshi.web.received_series import ReceivedSeries, RefusedSeriesError
from sakshi.web.receiver import ReceivedSamples
from sakshi.web.services import Services

BODY_BYTES_MAX: Final = 16 << 20  # compressed; what Prometheus sends has some 50 KB

_MESSAGE: Final = "prometheus.WriteRequest"
_REFUSED: Final = -1  # a place that no series has


async def write(services: Services, request: Request) -> Response:
    """Take samples in: 204 once they are durable, 400 where some were not taken."""
    refuse_other_sites(request)
    if unknown := _unsupported(request):
        return PlainTextResponse(f"{unknown}\n", 415)
    try:
        with services.receiver.admitted():
            body = await read_body(request, BODY_BYTES_MAX)
            receipt = await services.receiver.receive(
                lambda series, receipt: read_written(body, series, receipt)
            )
    except WireFormatError as error:
        return PlainTextResponse(f"{error}\n", 400)
    except TooLargeError as error:
        return PlainTextResponse(f"{error}\n", 413)
    except ApiError as error:
        return PlainTextResponse(f"{error}\n", error.kind.status, dict(error.headers))
    if receipt.refused:
        return PlainTextResponse(f"{receipt}\n", 400)
    return Response(status_code=204)


def read_written(body: bytes, series: ReceivedSeries, receipt: Receipt) -> ReceivedSamples:
    """Return the samples of a compressed body; note in the receipt which series are refused.

    Raises:
        WireFormatError: it is no write request.
        TooLargeError: it is more than anybody sends.
    """
    batch = read_write_request(decompress(body), series.known)
    receipt.samples += len(batch.keys) + len(batch.histograms)
    for key in batch.histograms:
        receipt.refuse(RefusalReason.UNSUPPORTED, _describe_histogram(key))
    places = np.fromiter(
        map(series.known.get, batch.keys, [_REFUSED] * len(batch.keys)), np.int64, len(batch.keys)
    )
    for index in np.flatnonzero(places == _REFUSED).tolist():
        try:
            places[index] = series.place_of_key(batch.keys[index])
        except (RefusedSeriesError, WireFormatError) as error:
            receipt.refuse(RefusalReason.INVALID_SERIES, str(error))
    return _kept(batch, places)


def _kept(batch: WrittenBatch, places: NDArray[np.int64]) -> ReceivedSamples:
    kept = places != _REFUSED
    if kept.all():
        return ReceivedSamples(places, batch.timestamps, batch.values)
    return ReceivedSamples(places[kept], batch.timestamps[kept], batch.values[kept])


def _describe_histogram(key: bytes) -> str:
    names = dict(read_label_pairs(key))
    return f"native histograms are not stored, only classic ones: {names.get('__name__', '')}"


def _unsupported(request: Request) -> str:
    """Return what of encoding or type is none of remote write 1.0's; empty where all is."""
    encoding = request.headers.get("content-encoding", "snappy").lower()
    if encoding != "snappy":
        return f"{encoding} encoding (compression) is not accepted by this server; only snappy is"
    kind, parameters = media_type(request)
    if kind not in ("", "application/x-protobuf"):
        return f"expected application/x-protobuf as Content-Type, found {kind}"
    message = parameters.get("proto", _MESSAGE)
    if message != _MESSAGE:
        return f"{message} protobuf message is not accepted by this server; only {_MESSAGE} is"
    return ""
