"""`/api/v1/format_query` and `/api/v1/parse_query`: queries that are looked at, not evaluated."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from sakshi.promql.parser import parse_query as parse
from sakshi.web.answer import success
from sakshi.web.parameter import read_parameters, required_query
from sakshi.web.pretty import prettify
from sakshi.web.services import Services
from sakshi.web.tree import translate


async def format_query(services: Services, request: Request) -> Response:
    """Answer a query, formatted: `query`."""
    return success(prettify(parse(required_query(await read_parameters(request)))))


async def parse_query(services: Services, request: Request) -> Response:
    """Answer a query's syntax tree: `query`."""
    query = required_query(await read_parameters(request))
    return success(translate(parse(query), query))
