"""`sakshi query EXPR`: ask a running sakshi, or any server with Prometheus' HTTP API."""

from __future__ import annotations

import argparse
import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, Final

HELP: Final = "Evaluate a PromQL expression on a running sakshi."
EXAMPLES: Final = """\
  sakshi query 'up'
  sakshi query 'sum by (provider) (rate(ai_requests_total[5m]))'
  sakshi query up --start 2026-01-01T00:00:00Z --end 2026-01-01T01:00:00Z --step 30s
  sakshi query up --json | jq .data.result
"""
TIMEOUT_SECONDS: Final = 130  # the server stops a query after two minutes and says so


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("expr", metavar="EXPR", help="the PromQL expression")
    parser.add_argument("--url", default="http://127.0.0.1:9090", help="the server (%(default)s)")
    parser.add_argument("--time", help="evaluate at this moment instead of now (RFC 3339 or Unix)")
    parser.add_argument("--start", help="evaluate over a range: its first moment")
    parser.add_argument("--end", help="the range's last moment (default: now)")
    parser.add_argument("--step", default="15s", help="the range's step (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the API's answer as it came")


def run(arguments: argparse.Namespace) -> int:
    """Ask and print; 0 answered, 1 not answered, 2 the expression is wrong."""
    if arguments.start:
        path = "query_range"
        parameters = {"start": arguments.start, "end": arguments.end, "step": arguments.step}
        parameters["end"] = parameters["end"] or _now(arguments.url)
    else:
        path, parameters = "query", {"time": arguments.time}
    body = {"query": arguments.expr, **{k: v for k, v in parameters.items() if v}}
    try:
        answer = fetch(f"{arguments.url.rstrip('/')}/api/v1/{path}", body)
    except OSError as error:
        reason = getattr(error, "reason", error)
        print(
            f"sakshi query: no answer from {arguments.url}: {reason}\n"
            "Is `sakshi serve` running there? --url names another server.",
            file=sys.stderr,
        )
        return 1
    except ValueError:
        print(f"sakshi query: {arguments.url} does not speak Prometheus' API", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(answer))
    for text in answer.get("warnings", ()):
        print(f"warning: {text}", file=sys.stderr)
    if answer.get("status") != "success":
        print(f"sakshi query: {answer.get('error', 'failed')}", file=sys.stderr)
        return 2 if answer.get("errorType") == "bad_data" else 1
    if not arguments.json:
        for line in render(answer["data"]):
            print(line)
    return 0


def fetch(url: str, parameters: Mapping[str, str]) -> Any:
    """Return the JSON answer to a form, whatever its HTTP status.

    Raises:
        OSError: nobody answered.
        ValueError: the answer is not JSON.
    """
    data = urllib.parse.urlencode(parameters).encode()
    try:
        with urllib.request.urlopen(url, data, timeout=TIMEOUT_SECONDS) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        return json.load(error)


def render(data: Mapping[str, Any]) -> Sequence[str]:
    """Return the lines that show an answer: a series and its value a line, values aligned."""
    kind, result = data["resultType"], data["result"]
    if kind in ("scalar", "string"):
        return [result[1]]
    if kind == "matrix":
        lines = []
        for series in result:
            lines.append(format_series(series["metric"]))
            lines += [f"  {timestamp:.3f}  {value}" for timestamp, value in series["values"]]
        return lines
    names = [format_series(series["metric"]) for series in result]
    width = max(map(len, names), default=0)
    return [
        f"{name:<{width}}  {series['value'][1]}" for name, series in zip(names, result, strict=True)
    ]


def format_series(metric: Mapping[str, str]) -> str:
    """Return a label set as PromQL writes it.

    Example:
        >>> format_series({"__name__": "up", "job": "chat"})
        'up{job="chat"}'
    """
    labels = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}"
        for name, value in sorted(metric.items())
        if name != "__name__"
    )
    return metric.get("__name__", "") + (f"{{{labels}}}" if labels or not metric else "")


def _now(url: str) -> str:
    """Return the server's own moment: its clock is the one that stamped the samples."""
    answer = fetch(f"{url.rstrip('/')}/api/v1/query", {"query": "time()"})
    return str(answer["data"]["result"][1])
