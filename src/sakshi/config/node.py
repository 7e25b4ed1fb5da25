"""YAML text in, a tree of nodes out, each with the place where it stands.

The tree is built from the parser's events without recursion, and is bounded: a file of 200,000
brackets, or ten lines of aliases that stand for a billion values, is refused instead of followed.
What a scalar means (a number, a duration) is not decided here: it depends on who asks. Where
PyYAML has libyaml, that does the parsing: ten times as fast.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import yaml

from sakshi.model.errors import SakshiError

DEPTH_MAX: Final = 100  # a tree of routes is seldom ten deep
NODES_MAX: Final = 1_000_000  # 50,000 rules; aliases count as often as they are used

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE_TAG: Final = "tag:yaml.org,2002:"
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


class YamlError(SakshiError):
    """A text that is not YAML, or more of it than is read.

    Args:
        line: 1-based.
        column: 1-based, in characters.
        expected: in words.
        found: in words; never more of the text than a name or a character.
    """

    def __init__(self, line: int, column: int, expected: str, found: str) -> None:
        self.line, self.column, self.expected, self.found = line, column, expected, found
        super().__init__(f"{line}:{column}: expected {expected}, found {found}")


@dataclass(slots=True, eq=False)
class Node:
    """Something in the file; two nodes are equal if they are the same.

    Args:
        line: 1-based.
        column: 1-based, in characters.
    """

    line: int
    column: int

    @property
    def is_null(self) -> bool:
        """Whether it is nothing: `key:` without a value, `~` or `null`."""
        return False


@dataclass(slots=True, eq=False)
class ScalarNode(Node):
    """A text.

    Args:
        text: unescaped, without quotes.
        is_plain: it stands without quotes, so that `true` and nothing have their meaning.
    """

    text: str
    is_plain: bool = True

    @property
    def is_null(self) -> bool:
        """Whether it is nothing."""
        return self.is_plain and self.text in _NULLS


@dataclass(slots=True, eq=False)
class ListNode(Node):
    """A list."""

    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class MappingNode(Node):
    """Pairs of key and value in the file's order; merges and repeated keys as they stand."""

    entries: list[tuple[Node, Node]] = field(default_factory=list)


def parse_yaml(text: str) -> Node | None:
    """Return the root of a YAML text; None where it is empty or holds only comments.

    An alias is the very node that its anchor names.

    Raises:
        YamlError: it is not YAML, holds several documents, an alias inside its own anchor, a tag
            that is not YAML's own, more than `DEPTH_MAX` levels or `NODES_MAX` values.

    Example:
        >>> root = parse_yaml("scrape_interval: 5s")
        >>> assert isinstance(root, MappingNode)
        >>> [(key.text, value.text, value.column) for key, value in root.entries]
        [('scrape_interval', '5s', 18)]
    """
    unprintable = _UNPRINTABLE.search(text)
    if unprintable is not None:
        start = unprintable.start()
        line = text.count("\n", 0, start) + 1
        found = f"U+{ord(unprintable[0]):04X}"
        raise YamlError(line, start - text.rfind("\n", 0, start), "a printable character", found)
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            handle = _HANDLERS.get(type(event))
            if handle is not None:
                handle(builder, event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        context = f" {error.context}" if error.context else ""
        raise YamlError(line, column, "YAML", f"an error{context}: {error.problem}") from None
    return builder.root


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end was not read yet."""

    node: Any  # a ListNode or MappingNode
    anchor: str | None
    key: Node | None = None
    size: int = 1
    height: int = 1


class _Builder:
    """Takes events and holds what was built of them."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int, int] | None] = {}
        """By anchor: node, number of values, levels; None until the anchor's end is reached."""
        self._documents = 0

    def document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            _refuse(event, "one document", "a second one")

    def scalar(self, event: Any) -> None:
        _check_tag(event)
        mark = event.start_mark
        node = ScalarNode(mark.line + 1, mark.column + 1, event.value, event.implicit[0])
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, 1, 0)
        self._place(event, node)

    def list(self, event: Any) -> None:
        self._begin(event, ListNode(event.start_mark.line + 1, event.start_mark.column + 1))

    def mapping(self, event: Any) -> None:
        self._begin(event, MappingNode(event.start_mark.line + 1, event.start_mark.column + 1))

    def end(self, event: Any) -> None:
        done = self._open.pop()
        if done.anchor is not None:
            self._anchors[done.anchor] = (done.node, done.size, done.height)
        self._place(event, done.node, done.size, done.height)

    def alias(self, event: Any) -> None:
        target = self._anchors.get(event.anchor)
        if target is None:
            if event.anchor in self._anchors:
                _refuse(event, "an alias outside of its anchor", f"*{event.anchor} inside of it")
            _refuse(event, "an anchor that stands before it", f"*{event.anchor}")
        self._place(event, *target)

    def _begin(self, event: Any, node: Node) -> None:
        _check_tag(event)
        if len(self._open) == DEPTH_MAX:
            _refuse(event, f"at most {DEPTH_MAX} levels of nesting, aliases followed", "more")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._open.append(_Open(node, event.anchor))

    def _place(self, event: Any, node: Node, size: int = 1, height: int = 0) -> None:
        """Give a node to whatever is open.

        Args:
            event: where it ends, for complaints.
            node: it.
            size: values in it, itself included, aliases followed.
            height: levels of lists and mappings in it, aliases followed; 0: a scalar.
        """
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        parent.size += size
        parent.height = max(parent.height, height + 1)
        if parent.size > NODES_MAX:
            _refuse(event, f"at most {NODES_MAX:,} values, aliases followed", "more")
        if len(self._open) + height > DEPTH_MAX:
            _refuse(event, f"at most {DEPTH_MAX} levels of nesting, aliases followed", "more")
        if isinstance(parent.node, ListNode):
            parent.node.items.append(node)
        elif parent.key is None:
            parent.key = node
        else:
            parent.node.entries.append((parent.key, node))
            parent.key = None


_HANDLERS: Final[Mapping[type, Callable[[_Builder, Any], None]]] = {
    yaml.DocumentStartEvent: _Builder.document,
    yaml.ScalarEvent: _Builder.scalar,
    yaml.SequenceStartEvent: _Builder.list,
    yaml.MappingStartEvent: _Builder.mapping,
    yaml.SequenceEndEvent: _Builder.end,
    yaml.MappingEndEvent: _Builder.end,
    yaml.AliasEvent: _Builder.alias,
}


def _check_tag(event: Any) -> None:
    if event.tag is not None and not event.tag.startswith(_CORE_TAG) and event.tag != "!":
        _refuse(event, "a value without a tag", f"the tag {event.tag}")


def _refuse(event: Any, expected: str, found: str) -> NoReturn:
    mark = event.start_mark
    raise YamlError(mark.line + 1, mark.column + 1, expected, found)
