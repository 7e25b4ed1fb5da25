"""`/api/v1/admin/...` and `/-/reload`: what operators ask for."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sakshi.model.errors import BadInputError
from sakshi.storage import ImportOutcome, StorageError
from sakshi.storage.import_body import decode_import
from sakshi.web.answer import success
from sakshi.web.body import read_body
from sakshi.web.description import StoreAdmin
from sakshi.web.errors import ApiError, ErrorKind
from sakshi.web.guard import refuse_other_sites
from sakshi.web.imported import check_batch
from sakshi.web.parameter import TIME_MS_MAX, invalid_parameter, read_parameters
from sakshi.web.series import parse_selectors
from sakshi.web.services import Services

IMPORT_BYTES_MAX: Final = 64 << 20  # `sakshi import` sends batches of some 6 MB


async def delete_series(services: Services, request: Request) -> Response:
    """Forget samples: `match[]` (required), `start`, `end`; 204 once they are gone."""
    admin = _admin(services, request)
    parameters = await read_parameters(request)
    texts = parameters.texts("match[]")
    if not texts:
        raise ApiError(ErrorKind.BAD_DATA, "no match[] parameter provided")
    start_ms = parameters.time_ms("start", -TIME_MS_MAX)
    end_ms = parameters.time_ms("end", TIME_MS_MAX)
    if end_ms < start_ms:
        raise invalid_parameter("end", "end timestamp must not be before start time")
    for matchers in parse_selectors(texts):
        await asyncio.to_thread(admin.delete_series, matchers, start_ms, end_ms)
    return Response(status_code=204)


async def clean_tombstones(services: Services, request: Request) -> Response:
    """Free the room of what was deleted; 204 once it is done."""
    await asyncio.to_thread(_admin(services, request).clean_tombstones)
    return Response(status_code=204)


async def import_samples(services: Services, request: Request) -> Response:
    """Take samples of any time in: a body of `sakshi import`; `newest`."""
    admin = _admin(services, request)
    parameters = await read_parameters(request)
    newest_ms = parameters.time_ms("newest") if parameters.text("newest") else None
    body = await read_body(request, IMPORT_BYTES_MAX)

    def take() -> ImportOutcome:
        batch, refused = check_batch(decode_import(body))
        refused.add(admin.import_samples(batch, newest_ms))
        return refused

    try:
        outcome = await asyncio.to_thread(take)
    except BadInputError as error:
        raise ApiError(ErrorKind.BAD_DATA, str(error)) from None
    except StorageError as error:
        raise ApiError(ErrorKind.UNAVAILABLE, f"samples cannot be stored: {error}") from None
    return success(
        {
            "taken": outcome.taken,
            "known": outcome.known,
            "refused": [
                {"reason": reason, "count": count, "first": outcome.first[reason]}
                for reason, count in outcome.refused.items()
            ],
        }
    )


async def snapshot(services: Services, request: Request) -> Response:
    """Copy all samples; the answer names the folder below `snapshots` of the data folder."""
    name = await asyncio.to_thread(_admin(services, request).snapshot)
    return success({"name": name})


async def reload(services: Services, request: Request) -> Response:
    """Answer that the configuration is read at start only; nothing was reloaded."""
    text = "sakshi reads its configuration when it starts: restart it. Nothing was reloaded.\n"
    return PlainTextResponse(text, 403)


def _admin(services: Services, request: Request) -> StoreAdmin:
    if services.store_admin is None:
        raise ApiError(ErrorKind.UNAVAILABLE, "admin APIs disabled")
    refuse_other_sites(request)
    return services.store_admin
