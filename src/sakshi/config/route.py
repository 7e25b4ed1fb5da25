"""Reads `route` and `inhibit_rules`: which receiver gets which alerts, and which mute others.

Source:
    prometheus/alertmanager docs/configuration.md, <route>, <inhibit_rule>, <matcher>
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sakshi.alerting import InhibitRule, InvalidMatcherError, RouteConfig, parse_matchers
from sakshi.config.section import Section
from sakshi.model.errors import Problem
from sakshi.model.labels import LEGACY_LABEL_NAME
from sakshi.model.matcher import InvalidRegexError, Matcher, MatchOperator

UNSUPPORTED_ROUTE: Final = ("active_time_intervals", "mute_time_intervals")


def read_route(section: Section) -> RouteConfig:
    """Return one route with those below it."""
    config = RouteConfig(
        receiver=section.text("receiver", None) or None,
        matchers=read_matchers(section, "matchers", "match", "match_re"),
        group_by=read_unique(section, "group_by"),
        group_wait_ms=section.duration("group_wait", None),
        group_interval_ms=section.duration("group_interval", None),
        repeat_interval_ms=section.duration("repeat_interval", None),
        continue_=section.boolean("continue", False),
        routes=[read_route(entry) for entry in section.sections("routes")],
    )
    section.unsupported(UNSUPPORTED_ROUTE)
    section.close()
    return config


def read_inhibit_rule(section: Section) -> InhibitRule:
    """Return one entry of `inhibit_rules`."""
    rule = InhibitRule(
        source_matchers=read_matchers(
            section, "source_matchers", "source_match", "source_match_re"
        ),
        target_matchers=read_matchers(
            section, "target_matchers", "target_match", "target_match_re"
        ),
        equal=section.texts("equal"),
    )
    section.text("name", "")
    section.close()
    for side in ("source", "target"):
        keys = (f"{side}_matchers", f"{side}_match", f"{side}_match_re")
        if not any(key in section or section.is_wrong(key) for key in keys):
            section.warn("", f"without {keys[0]}, every alert is a {side}")
    return rule


def read_matchers(section: Section, key: str, equal: str, regex: str) -> Sequence[Matcher]:
    """Return all matchers of a section, in today's notation and in the two older ones.

    Args:
        section: of a route or an inhibition rule.
        key: of a list of texts: `severity="critical"`, `job=~"a|b"`.
        equal: of a mapping of label names to values.
        regex: of a mapping of label names to regular expressions.
    """
    matchers: list[Matcher] = []
    for index, text in enumerate(section.texts(key)):
        try:
            matchers += parse_matchers(text)
        except InvalidMatcherError as error:
            [problem] = error.problems
            section.add(
                Problem(f"{key}[{index}]", problem.expected, problem.found),
                inside=f" at {problem.place}",
            )
    matchers += read_old_matchers(section, equal, MatchOperator.EQUAL)
    matchers += read_old_matchers(section, regex, MatchOperator.REGEX)
    return matchers


def read_old_matchers(section: Section, key: str, operator: MatchOperator) -> Sequence[Matcher]:
    """Return the matchers of `match` or `match_re`."""
    matchers = []
    for name, value in section.labels(key).items():
        if not LEGACY_LABEL_NAME.fullmatch(name):
            section.problem(f"{key}.{name}", "a label name", f'"{name}"')
            continue
        try:
            matchers.append(Matcher(name, operator, value))
        except InvalidRegexError as error:
            section.problem(f"{key}.{name}", "a regular expression of RE2", str(error))
    return matchers


def read_unique(section: Section, key: str) -> Sequence[str] | None:
    """Return a list of different texts; None where it is absent."""
    texts = section.texts(key, None)
    for index, text in enumerate(texts or ()):
        if text in (texts or ())[:index]:
            section.problem(f"{key}[{index}]", "each label once", f'"{text}" a second time')
    return texts
