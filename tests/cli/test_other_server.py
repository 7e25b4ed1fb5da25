"""Commands that are pointed at a real Prometheus: what works, and what says why it does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.cli.conftest import Run
from tests.peers import PrometheusPeer

from sakshi.cli.exit_code import BAD_INPUT, UNKNOWN

SAMPLES = """\
# TYPE up gauge
up{job="chat"} 1 1700000000
up{job="chat"} 1 1700000060
# EOF
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url(prometheus: PrometheusPeer) -> Iterator[str]:
    with prometheus.serving(SAMPLES) as peer:
        yield str(peer.client.base_url).rstrip("/")


def test_queries_are_answered(url: str, run: Run) -> None:
    """At a moment, over a range, and with an error that points at its place."""
    done = run("query", "up", "--url", url, "--time", "1700000000")
    assert (done.code, done.output, done.error) == (0, 'up{job="chat"}  1\n', "")

    done = run(
        "query", "up", "--url", url, "--start", "1700000000", "--end", "1700000060", "--step", "60s"
    )
    assert (done.code, done.error) == (0, "")
    assert done.output == ('up{job="chat"}\n  2023-11-14T22:13:20Z  1\n  2023-11-14T22:14:20Z  1\n')

    done = run("query", "up +", "--url", url)
    assert done.code == BAD_INPUT
    assert done.error == (
        'sakshi query: error: invalid parameter "query": 1:5: parse error: '
        "unexpected end of input\n  up +\n      ^\n"
    )


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("status", "--json"),
        ("baseline", "list"),
        ("baseline", "show", "a"),
        ("baseline", "compare"),
        ("baseline", "record", "a", "--over", "1h"),
        ("baseline", "delete", "a"),
    ],
    ids=" ".join,
)
def test_what_only_sakshi_has_is_said(
    url: str, command: tuple[str, ...], prometheus: PrometheusPeer, run: Run
) -> None:
    """In plain words, not as an answer that was not understood."""
    done = run(*command, "--url", url)

    version = ".".join(map(str, prometheus.version))
    assert (done.code, done.output) == (UNKNOWN, "")
    assert done.error.startswith(f"sakshi {command[0]}: {url} is a Prometheus ({version}")
    assert done.error.endswith(
        "), or speaks as one: it has no sakshi KPIs and baselines; `sakshi query` works there\n"
        "Is `sakshi serve` running there? --url names another server.\n"
    )
