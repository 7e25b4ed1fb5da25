"""Reads `relabel_configs` and `metric_relabel_configs`.

Source:
    prometheus/prometheus model/relabel/relabel.go, Validate (3.x)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sakshi.config.section import Section
from sakshi.model.matcher import InvalidRegexError, compile_regex
from sakshi.scrape import RelabelAction, RelabelRule
from sakshi.scrape.relabel import REGEX, REPLACEMENT, SEPARATOR

_KEYS: Final = ("source_labels", "separator", "target_label", "regex", "modulus", "replacement")
_ONLY: Final[Mapping[RelabelAction, tuple[str, ...]]] = {
    RelabelAction.KEEP_EQUAL: ("source_labels", "target_label"),
    RelabelAction.DROP_EQUAL: ("source_labels", "target_label"),
    RelabelAction.LABEL_DROP: ("regex",),
    RelabelAction.LABEL_KEEP: ("regex",),
    RelabelAction.LOWERCASE: tuple(key for key in _KEYS if key != "replacement"),
    RelabelAction.UPPERCASE: tuple(key for key in _KEYS if key != "replacement"),
}
"""The keys that an action may have, where others mean a mistake."""

_TARGETED: Final = frozenset(
    {
        RelabelAction.REPLACE,
        RelabelAction.HASH_MOD,
        RelabelAction.LOWERCASE,
        RelabelAction.UPPERCASE,
        RelabelAction.KEEP_EQUAL,
        RelabelAction.DROP_EQUAL,
    }
)


def read_relabel_rules(section: Section, key: str) -> Sequence[RelabelRule]:
    """Return the rules of a list; a wrong one is left out, with its complaint."""
    rules = [read_relabel_rule(entry) for entry in section.sections(key)]
    return tuple(rule for rule in rules if rule is not None)


def read_relabel_rule(section: Section) -> RelabelRule | None:
    """Return one rule; None where it has a problem."""
    actions = ", ".join(RelabelAction)
    action = section.parsed("action", _parse_action, f"one of {actions}", RelabelAction.REPLACE)
    regex = section.parsed("regex", _parse_regex, "a regular expression of RE2", REGEX)
    names = section.texts("source_labels")
    for index, name in enumerate(names):
        if not name:
            section.problem(f"source_labels[{index}]", "a label name")
    target_label = section.text("target_label", "")
    separator = section.text("separator", SEPARATOR)
    replacement = section.text("replacement", REPLACEMENT)
    modulus = section.integer("modulus", 0)
    assert action is not None
    assert regex is not None
    if not section.is_wrong("action"):
        _note_contradictions(section, action, target_label, replacement, modulus)
    section.close()
    if section.has_problems():
        return None
    return RelabelRule(action, tuple(names), separator, target_label, regex, modulus, replacement)


def _note_contradictions(
    section: Section, action: RelabelAction, target_label: str, replacement: str, modulus: int
) -> None:
    """Note what an action needs and has not, and what it has and does not need."""
    for key, is_missing, expected in (
        (
            "target_label",
            action in _TARGETED and not target_label,
            f"the label that {action} sets or compares",
        ),
        ("modulus", action is RelabelAction.HASH_MOD and not modulus, "a whole number above 0"),
        (
            "replacement",
            action is RelabelAction.LABEL_MAP and not replacement,
            "a label name, or a reference like $1",
        ),
    ):
        if is_missing:
            section.problem(key, expected, None if key in section else "nothing")
    for key in _KEYS:
        if key in section and key not in _ONLY.get(action, _KEYS):
            section.problem(key, f"no {key} with the action {action}")


def _parse_action(text: str) -> RelabelAction:
    return RelabelAction(text.lower())


def _parse_regex(text: str) -> str:
    try:
        compile_regex(text)
    except InvalidRegexError as error:
        raise ValueError(str(error)) from None
    return text
