"""`/api/v1/status/{config,flags,runtimeinfo,tsdb}`: how this sakshi was started, what it holds."""

from __future__ import annotations

import os
import socket
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from sakshi.model.duration import format_duration
from sakshi.model.labels import METRIC_NAME
from sakshi.web.answer import success
from sakshi.web.parameter import TIME_MS_MAX, invalid_parameter, read_parameters
from sakshi.web.rule import format_moment
from sakshi.web.services import Services

TSDB_LIMIT: Final = 10  # entries of each list, as Prometheus'
TSDB_LIMIT_MAX: Final = 10_000

_EMPTY_MIN_MS: Final = (1 << 63) - 1  # what Prometheus answers for an empty head
_EMPTY_MAX_MS: Final = -(1 << 63)


async def configuration(services: Services, request: Request) -> Response:
    """Answer the configuration that was read at start; secrets are `<secret>`."""
    return success({"yaml": services.startup.configuration})


async def flags(services: Services, request: Request) -> Response:
    """Answer how sakshi was started, in the names of Prometheus' flags."""
    return success(dict(services.startup.flags))


async def runtime_information(services: Services, request: Request) -> Response:
    """Answer when and where sakshi was started; what only Go has is left out."""
    started = format_moment(services.startup.at_ms)
    return success(
        {
            "startTime": started,
            "CWD": str(Path.cwd()),
            "hostname": socket.gethostname(),
            "serverTime": format_moment(services.clock.now_ms()),
            "reloadConfigSuccess": True,
            "lastConfigTime": started,
            "corruptionCount": 0,
            "goroutineCount": threading.active_count(),
            "GOMAXPROCS": os.cpu_count() or 1,
            "storageRetention": format_duration(services.startup.retention_ms),
        }
    )


async def tsdb(services: Services, request: Request) -> Response:
    """Answer which names and labels have most series: `limit`."""
    parameters = await read_parameters(request)
    limit = parameters.limit() if parameters.text("limit") else TSDB_LIMIT
    if not 0 < limit <= TSDB_LIMIT_MAX:
        expected = f"expected a number from 1 to {TSDB_LIMIT_MAX}"
        raise invalid_parameter("limit", f"{expected}, found {limit}")

    def count(_timeout_seconds: float) -> Mapping[str, object]:
        return _count(services, limit)

    return success(await services.queries.run(count, parameters.timeout_seconds()))


def _count(services: Services, limit: int) -> Mapping[str, object]:
    pairs: Counter[tuple[str, str]] = Counter()
    series = services.querier.series((), -TIME_MS_MAX, TIME_MS_MAX)
    for labels in series:
        pairs.update(labels.pairs)
    names = Counter({value: n for (name, value), n in pairs.items() if name == METRIC_NAME})
    values = Counter(name for name, _ in pairs)
    sizes: Counter[str] = Counter()
    for name, value in pairs:
        sizes[name] += len(value.encode())
    shown = Counter({f"{name}={value}": n for (name, value), n in pairs.items()})
    bounds = services.time_bounds()
    return {
        "headStats": {
            "numSeries": len(series),
            "numLabelPairs": len(pairs),
            "chunkCount": 0,
            "minTime": _EMPTY_MIN_MS if bounds is None else bounds[0],
            "maxTime": _EMPTY_MAX_MS if bounds is None else bounds[1],
        },
        "seriesCountByMetricName": _largest(names, limit),
        "labelValueCountByLabelName": _largest(values, limit),
        "memoryInBytesByLabelName": _largest(sizes, limit),
        "seriesCountByLabelValuePair": _largest(shown, limit),
    }


def _largest(counts: Counter[str], limit: int) -> Sequence[Mapping[str, object]]:
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:limit]
    return [{"name": name, "value": count} for name, count in largest]
