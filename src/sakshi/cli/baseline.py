"""`sakshi baseline`: what indicators were, are and should become."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from sakshi.cli.address import parse_url
from sakshi.cli.exit_code import BAD_INPUT, UNKNOWN
from sakshi.cli.terminal import Colour, paint, print_warnings
from sakshi.model.duration import InvalidDurationError, parse_duration
from sakshi.model.errors import SakshiError

if TYPE_CHECKING:
    from sakshi.cli.client import Client

HELP: Final = "Compare with a baseline, or record one, on a running sakshi."
EXAMPLES: Final = """\
  sakshi baseline compare
  sakshi baseline compare before-2.0 --over 24h --markdown
  sakshi baseline compare --junit > baseline.xml
  sakshi baseline record before-2.0 --over 24h --title 'Before 2.0'
  sakshi baseline list
  sakshi baseline show before-2.0
  sakshi baseline delete before-2.0
"""
COMPARE_OVER: Final = "1h"
TARGET_MISSED: Final = 1
"""The exit code of a comparison in which a target is missed."""

_PATH: Final = "sakshi/baselines"
_WRONG_INPUT: Final = frozenset({"bad_data", "not_found", "conflict"})


class RefusedError(SakshiError):
    """The server answered with an error.

    Args:
        answer: its, whole.
    """

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.answer = answer
        super().__init__(str(answer.get("error", "failed")))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments: an action, and those of each action."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    compare = _add(actions, "compare", run_compare, "how the indicators stand beside a baseline")
    compare.add_argument("name", metavar="NAME", nargs="?", help="the configuration's first")
    _add_over(compare, required=False)
    forms = _add_json(compare)
    forms.add_argument("--markdown", action="store_true", help="a table for a pull request")
    forms.add_argument("--junit", action="store_true", help="a test report: a case an indicator")

    record = _add(actions, "record", run_record, "measure the indicators now, and keep the values")
    record.add_argument("name", metavar="NAME", help="of the baseline")
    _add_over(record, required=True)
    record.add_argument("--title", default="", help="a line for people")
    record.add_argument("--replace", action="store_true", help="take the place of one of this name")
    _add_json(record)

    _add_json(_add(actions, "list", run_list, "all baselines"))
    show = _add(actions, "show", run_show, "the values of a baseline")
    show.add_argument("name", metavar="NAME", help="of the baseline")
    _add_json(show)
    delete = _add(actions, "delete", run_delete, "forget a baseline that was recorded")
    delete.add_argument("name", metavar="NAME", help="of the baseline")
    _add_json(delete)


def run(arguments: argparse.Namespace) -> int:
    """Do what the action says; 0: done, 1: a target is missed, 2: wrong input, 3: not known."""
    from sakshi.cli.client import Client, NoAnswerError

    act: Callable[[Client, argparse.Namespace], int] = arguments.act
    try:
        return act(Client(arguments.url), arguments)
    except NoAnswerError as error:
        hint = "Is `sakshi serve` running there? --url names another server."
        print(f"sakshi baseline: {error}\n{hint}", file=sys.stderr)
        return UNKNOWN
    except RefusedError as error:
        if arguments.json:
            print(json.dumps(error.answer, ensure_ascii=False))
        word = paint("error:", Colour.RED, sys.stderr)
        print(f"sakshi baseline: {word} {error}", file=sys.stderr)
        return BAD_INPUT if error.answer.get("errorType") in _WRONG_INPUT else UNKNOWN


def run_compare(client: Client, arguments: argparse.Namespace) -> int:
    """Print a comparison; 0: every target is reached, 1: one is not, 3: something has no data."""
    from sakshi.cli.baseline_report import render_junit, render_markdown, render_table

    name = arguments.name or find_first(accept(client.get(_PATH))["baselines"])
    answer = client.get(f"{_path(name)}/comparison", {"over": arguments.over})
    comparison = accept(answer)
    if arguments.json:
        print(json.dumps(answer, ensure_ascii=False))
    elif arguments.junit:
        print(render_junit(comparison))
    else:
        _print(render_markdown(comparison) if arguments.markdown else render_table(comparison))
    return judge(comparison)


def run_record(client: Client, arguments: argparse.Namespace) -> int:
    """Record a baseline and print what it has; warnings say which indicators it lacks."""
    from sakshi.cli.baseline_report import render_baseline

    form = {"name": arguments.name, "over": arguments.over, "title": arguments.title}
    form |= {"replace": "true"} if arguments.replace else {}
    answer = client.ask(_PATH, form)
    return _answer(answer, arguments, lambda data: render_baseline(data, _indicators(client)))


def run_list(client: Client, arguments: argparse.Namespace) -> int:
    """Print all baselines, a line each; warnings say which files hold none."""
    from sakshi.cli.baseline_report import render_list

    return _answer(client.get(_PATH), arguments, lambda data: render_list(data["baselines"]))


def run_show(client: Client, arguments: argparse.Namespace) -> int:
    """Print a baseline's values."""
    from sakshi.cli.baseline_report import render_baseline

    answer = client.get(_path(arguments.name))
    return _answer(answer, arguments, lambda data: render_baseline(data, _indicators(client)))


def run_delete(client: Client, arguments: argparse.Namespace) -> int:
    """Forget a recorded baseline and print its name."""
    answer = client.delete(_path(arguments.name))
    return _answer(answer, arguments, lambda data: [f"deleted {data['name']}"])


def judge(comparison: Mapping[str, Any]) -> int:
    """Return the exit code of a comparison: a target that is missed outweighs missing data."""
    if comparison["missed"]:
        return TARGET_MISSED
    is_unknown = any(entry["now"] is None for entry in comparison["entries"])
    return UNKNOWN if is_unknown else 0


def find_first(baselines: Sequence[Mapping[str, Any]]) -> str:
    """Return the name of the configuration's first baseline.

    Raises:
        RefusedError: it has none.
    """
    for baseline in baselines:
        if baseline["origin"] == "configuration":
            return str(baseline["name"])
    text = "the configuration has no baseline: name one that was recorded, or record one"
    raise RefusedError({"status": "error", "errorType": "not_found", "error": text})


def accept(answer: Mapping[str, Any]) -> Any:
    """Return the data of an answer, its warnings printed.

    Raises:
        RefusedError: it is an error.
    """
    if answer["status"] != "success":
        raise RefusedError(answer)
    print_warnings(answer.get("warnings", ()))
    return answer["data"]


def parse_over(text: str) -> str:
    """Return a period as it is written.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        is_period = parse_duration(text) > 0
    except InvalidDurationError:
        is_period = False
    if not is_period:
        expected = 'a duration like "1h" or "24h"'
        raise argparse.ArgumentTypeError(f'expected {expected} above 0, found "{text}"')
    return text


def _answer(
    answer: Mapping[str, Any],
    arguments: argparse.Namespace,
    render: Callable[[Any], Sequence[str]],
) -> int:
    data = accept(answer)
    _print([json.dumps(answer, ensure_ascii=False)] if arguments.json else render(data))
    return 0


def _indicators(client: Client) -> Sequence[Mapping[str, Any]]:
    indicators: Sequence[Mapping[str, Any]] = accept(client.get(_PATH))["indicators"]
    return indicators


def _path(name: str) -> str:
    return f"{_PATH}/{quote(name, safe='')}"


def _print(lines: Sequence[str]) -> None:
    for line in lines:
        print(line)


def _add(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    act: Callable[[Client, argparse.Namespace], int],
    text: str,
) -> argparse.ArgumentParser:
    examples = [line for line in EXAMPLES.splitlines() if f" baseline {name}" in line]
    parser = actions.add_parser(
        name,
        help=text,
        description=f"{text[:1].upper()}{text[1:]}.",
        epilog="examples:\n" + "\n".join(examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--url", type=parse_url, default="http://127.0.0.1:9090", help="the server (%(default)s)"
    )
    parser.set_defaults(act=act)
    return parser


def _add_over(parser: argparse.ArgumentParser, *, required: bool) -> None:
    default = {"required": True} if required else {"default": COMPARE_OVER}
    text = "the period until now that is measured" + ("" if required else " (%(default)s)")
    parser.add_argument("--over", metavar="DURATION", type=parse_over, help=text, **default)


def _add_json(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="print the API's answer as it came")
    return forms
