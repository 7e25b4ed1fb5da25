"""Writes rule groups as a rule file of Prometheus: YAML that a person can read and change.

What `config/rule_file.py` reads back is the same groups. A long text becomes a folded block, one of
several lines a literal block; keys that say nothing are left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from sakshi.model.duration import format_duration
from sakshi.rules.rule import RecordingRule, Rule, RuleGroup

LINE_CHARACTERS: Final = 100  # of a folded text, without its indentation
TEXT_CHARACTERS: Final = 80  # longer texts do not stand beside their key

_OTHER_LINE_ENDS: Final = re.compile("[\r\x85\u2028\u2029]")  # which YAML 1.1 has

_RANKS: Final = dict.fromkeys(("and", "or", "unless"), 2) | dict.fromkeys(
    ("+", "-", "*", "/", "%", "==", "!=", ">", "<", ">=", "<="), 1
)


def render_groups(groups: Sequence[RuleGroup], comment: str = "") -> str:
    """Return the text of a rule file.

    Args:
        groups: their names unique; an empty sequence is a valid file, too.
        comment: stands above, each line behind a `#`; empty: none.

    Example:
        >>> from sakshi.promql import parse_query
        >>> rule = RecordingRule("job:up:sum", "sum(up)", parse_query("sum(up)"))
        >>> print(render_groups([RuleGroup("g", "", 5000, [rule])], "Made by hand."), end="")
        # Made by hand.
        groups:
          - name: g
            interval: 5s
            rules:
              - record: job:up:sum
                expr: sum(up)
    """
    return render_comment(comment) + (
        "groups:\n" + "\n".join(map(_render_group, groups)) if groups else "groups: []\n"
    )


def render_comment(text: str) -> str:
    r"""Return a text as lines of comment; empty for an empty one.

    Example:
        >>> render_comment("one\n\ntwo")
        '# one\n#\n# two\n'
    """
    return "".join(f"# {line}".rstrip() + "\n" for line in text.splitlines())


def _render_group(group: RuleGroup) -> str:
    head: dict[str, Any] = {"name": group.name, "interval": format_duration(group.interval_ms)}
    if group.query_offset_ms:
        head["query_offset"] = format_duration(group.query_offset_ms)
    if group.limit:
        head["limit"] = group.limit
    if group.labels:
        head["labels"] = dict(group.labels)
    rules = "\n".join(_render_item(_rule_entry(rule), "      ") for rule in group.rules)
    body = f"    rules:\n{rules}" if rules else "    rules: []\n"
    return _render_item(head, "  ") + body


def _rule_entry(rule: Rule) -> Mapping[str, Any]:
    if isinstance(rule, RecordingRule):
        entry: dict[str, Any] = {"record": rule.record, "expr": rule.query}
    else:
        entry = {"alert": rule.alert, "expr": rule.query}
        if rule.hold_ms:
            entry["for"] = format_duration(rule.hold_ms)
        if rule.keep_firing_ms:
            entry["keep_firing_for"] = format_duration(rule.keep_firing_ms)
    if rule.labels:
        entry["labels"] = dict(rule.labels)
    if not isinstance(rule, RecordingRule) and rule.annotations:
        entry["annotations"] = dict(rule.annotations)
    return entry


def _render_item(entry: Mapping[str, Any], indent: str) -> str:
    """Return a mapping as one item of a list."""
    options: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": math.inf}
    text = yaml.dump([entry], Dumper=_Dumper, **options)
    # Lines without anything belong to a block as they are; those with blanks have to keep them.
    return "".join(line if line == "\n" else indent + line for line in _lines(text))


def _lines(text: str) -> Sequence[str]:
    """Return the lines with their ends; only a line feed ends one."""
    return [f"{line}\n" for line in text.removesuffix("\n").split("\n")]


class _Dumper(yaml.SafeDumper):
    """Writes long texts as blocks."""

    def write_folded(self, text: str) -> None:
        """Write a text without line ends as a block that is folded where it reads well."""
        self.write_indicator(f">{self.determine_block_hints(text)}", need_whitespace=True)
        for line in fold(text):
            self.write_indent()
            self.stream.write(line)
            self.column += len(line)
            self.whitespace = self.indention = False


def fold(text: str) -> Sequence[str]:
    """Return the lines of a folded block: joined by spaces they are the text.

    A line is ended before an `and`, `or`, `unless`, else before another operator, else anywhere.

    Args:
        text: does not begin with a blank: that would be a line which YAML does not fold.
    """
    lines, words = [], text.split(" ")
    while words:
        count = _count_fitting(words)
        lines.append(" ".join(words[:count]))
        words = words[count:]
    return lines


def _count_fitting(words: Sequence[str]) -> int:
    """Return how many of the words, at least one, make the next line."""
    length = -1
    breaks: list[tuple[int, int]] = []  # how good it is to end the line there, and where
    for index, word in enumerate(words):
        if index and word and word[0] != "\t":
            rank = _RANKS.get(word, 0) if length > LINE_CHARACTERS / 3 else 0
            breaks.append((rank, index))
        length += 1 + len(word)
        if length > LINE_CHARACTERS and breaks:
            return max(breaks)[1]
    return len(words)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_find_style(text))


def _find_style(text: str) -> str | None:
    """Return how YAML shows a text: quoted, literal, folded; None: beside its key if it can be."""
    if _OTHER_LINE_ENDS.search(text) or text.endswith("\n\n") or text == "\n":
        return '"'
    if "\n" in text:
        return "|"
    return ">" if len(text) > TEXT_CHARACTERS and text[0] not in " \t" else None


_Dumper.add_representer(str, _represent_text)
