"""`sakshi export WHAT [CONFIG]`: what KPIs become elsewhere: rules, inhibition rules, buckets."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sakshi.cli.exit_code import BAD_INPUT, FAILED
from sakshi.cli.terminal import print_problems, print_warnings
from sakshi.model.errors import BadInputError

if TYPE_CHECKING:
    from sakshi.config import Configuration

HELP: Final = "Print what the KPIs become: rules, inhibition rules, bucket edges."
EXAMPLES: Final = """\
  sakshi export rules               # of sakshi.yml, as a rule file for Prometheus
  sakshi export rules sakshi.yml --output kpi-rules.yml && promtool check rules kpi-rules.yml
  sakshi export inhibit-rules       # for alertmanager.yml: a KPI is not told twice
  sakshi export buckets             # {"ai_model_response_time_seconds": [0.6, 0.8, ...], ...}

what there is:
  rules           each KPI's value recorded, alerts on its limits: YAML, for `rule_files`
  inhibit-rules   a KPI's graver alert mutes its lesser ones: YAML, for `inhibit_rules`
  buckets         the KPIs' limits as bucket edges of the histograms that they read: JSON,
                  for Metrics(thresholds=json.load(file)) and any other client library
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("what", metavar="WHAT", choices=tuple(RENDERERS), help=", ".join(RENDERERS))
    parser.add_argument(
        "config",
        metavar="CONFIG",
        nargs="?",
        type=Path,
        default=Path("sakshi.yml"),
        help="the configuration that declares the KPIs (%(default)s)",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        help="write a file, whole or not at all, instead of standard output",
    )


def run(arguments: argparse.Namespace) -> int:
    """Read, render, write; 2: the configuration is wrong, 1: the file cannot be written."""
    from sakshi.config import read_configuration

    try:
        configuration = read_configuration(arguments.config, os.environ)
    except BadInputError as error:
        print_problems(error.problems)
        return BAD_INPUT
    if not configuration.kpis:
        print_warnings([f"{arguments.config} declares no `kpis`: there is nothing to export"])
    text = RENDERERS[arguments.what](configuration)
    if arguments.output is None:
        sys.stdout.write(text)
        return 0
    try:
        write_whole(arguments.output, text)
    except OSError as error:
        print(
            f"sakshi export: {arguments.output} cannot be written: {error.strerror}",
            file=sys.stderr,
        )
        return FAILED
    return 0


def render_rules(configuration: Configuration) -> str:
    """Return a rule file with the rules that sakshi itself evaluates."""
    from sakshi.kpi import generate_groups
    from sakshi.rules.render import render_groups

    file = Path(configuration.file).name
    interval_ms = configuration.global_config.evaluation_interval_ms
    groups = generate_groups(configuration.kpis, file, interval_ms, configuration.rule_groups)
    return render_groups(groups, describe_origin("rules", file))


def render_inhibit_rules(configuration: Configuration) -> str:
    """Return `inhibit_rules` of Alertmanager's file."""
    import yaml

    from sakshi.kpi import generate_inhibit_rules
    from sakshi.rules.render import render_comment

    rules = [
        {
            "source_matchers": [str(matcher) for matcher in rule.source_matchers],
            "target_matchers": [str(matcher) for matcher in rule.target_matchers],
            **({"equal": list(rule.equal)} if rule.equal else {}),
        }
        for rule in generate_inhibit_rules(configuration.kpis)
    ]
    comment = describe_origin("inhibit-rules", Path(configuration.file).name)
    document = {"inhibit_rules": rules}
    body = yaml.safe_dump(
        document, sort_keys=False, allow_unicode=True, width=math.inf, default_flow_style=None
    )
    return render_comment(comment) + body


def render_buckets(configuration: Configuration) -> str:
    """Return bucket edges by histogram, as JSON: a line for each histogram."""
    from sakshi.kpi.bucket import find_buckets

    buckets = find_buckets(configuration.kpis, configuration.rule_groups)
    lines = [f"  {json.dumps(name)}: {json.dumps(edges)}" for name, edges in buckets.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n" if lines else "{}\n"


def describe_origin(what: str, file: str) -> str:
    """Return the comment above what was generated."""
    return (
        f"What the KPIs of {file} become. Written by `sakshi export {what}`:\n"
        "change the KPIs and export them again, not this file."
    )


def write_whole(path: Path, text: str) -> None:
    """Write a file so that whoever reads it finds what it was before or all of the new.

    Raises:
        OSError: it cannot be written; what was there before still is.
    """
    place = path.resolve()  # a link goes on leading to where it leads
    unfinished = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        with unfinished.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(place)
    finally:
        unfinished.unlink(missing_ok=True)


RENDERERS: Final[Mapping[str, Callable[[Configuration], str]]] = {
    "rules": render_rules,
    "inhibit-rules": render_inhibit_rules,
    "buckets": render_buckets,
}
"""What can be exported."""
