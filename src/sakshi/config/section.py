"""A mapping of a document, whose keys are taken one by one as values of the wanted type."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Self, TypeVar

from sakshi.config.document import Document
from sakshi.config.environment import expand, find_unset, has_reference
from sakshi.config.node import ListNode, MappingNode, Node, ScalarNode
from sakshi.model.duration import format_duration, parse_duration
from sakshi.model.errors import Problem, SakshiError

Value = TypeVar("Value")
Default = TypeVar("Default")

FOUND_CHARACTERS_MAX: Final = 60  # of a value in a complaint; the place says where the rest is

_TRUE: Final = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE: Final = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})


class Required:
    """The default of a value that has none: its absence is a problem."""


REQUIRED: Final = Required()


class Section:
    """A mapping; a key without a value is absent.

    Args:
        document: takes the complaints.
        node: a mapping; anything else is a complaint, and then an empty mapping.
        path: of the mapping in the file: `scrape_configs[0]`; empty: the root.
    """

    def __init__(self, document: Document, node: Node, path: str) -> None:
        self.document = document
        self.path = path
        self.unset: dict[str, Sequence[str]] = {}
        """Why there is no value although there is a key: `SLACK_WEBHOOK is not set`, by key."""
        self._node = node
        self._taken: set[str] = set()
        self._ineffective: set[str] = set()
        self._expanded: set[str] = set()
        self._missing: dict[str, str] = {}
        """What was expected, by key; said at the end, for an unknown key may explain it."""
        self._entries: dict[str, tuple[Node, Node]] = {}
        if isinstance(node, MappingNode):
            self._collect(node)
        elif not node.is_null:
            self.document.note(node, path, "a mapping", describe(node))

    def __contains__(self, key: str) -> bool:
        return key in self._entries and not self._entries[key][1].is_null

    def keys(self) -> Sequence[str]:
        """Return the keys in the file's order, those without a value too."""
        return list(self._entries)

    # ------------------------------------------------------------------ scalars

    def text(self, key: str, default: Default | Required = REQUIRED) -> str | Default:
        """Return a text; a number or a boolean is the text that stands in the file."""
        return self._scalar(key, default, "a text", _accept_text, "")

    def name(self, key: str, expected: str = "a name") -> str:
        """Return a text that must be there, and must not be empty; the empty text where it is."""

        def accept(node: ScalarNode) -> str:
            if not node.text:
                raise ValueError
            return node.text

        return self._scalar(key, REQUIRED, expected, accept, "")

    def integer(
        self, key: str, default: Default | Required = REQUIRED, *, minimum: int = 0
    ) -> int | Default:
        """Return a whole number of at least `minimum`."""

        def accept(node: ScalarNode) -> int:
            value = int(node.text, 0)
            if value < minimum:
                raise ValueError
            return value

        return self._scalar(key, default, f"a whole number of at least {minimum}", accept, minimum)

    def boolean(self, key: str, default: Default | Required = REQUIRED) -> bool | Default:
        """Return `true` or `false`, written without quotes."""
        return self._scalar(key, default, "true or false", _accept_boolean, False)

    def duration(
        self, key: str, default: Default | Required = REQUIRED, *, minimum_ms: int = 0
    ) -> int | Default:
        """Return a duration in milliseconds, at least `minimum_ms`."""
        expected = 'a duration like "30s" or "1h30m"'
        if minimum_ms:
            expected += f" of at least {format_duration(minimum_ms)}"

        def accept(node: ScalarNode) -> int:
            value = parse_duration(node.text)
            if value < minimum_ms:
                raise ValueError
            return value

        return self._scalar(key, default, expected, accept, minimum_ms)

    def one_of(
        self, key: str, choices: Sequence[str], default: Default | Required = REQUIRED
    ) -> str | Default:
        """Return one of the choices; the empty one is not named in complaints."""

        def accept(node: ScalarNode) -> str:
            if node.text not in choices:
                raise ValueError
            return node.text

        expected = f"one of {', '.join(filter(None, choices))}"
        return self._scalar(key, default, expected, accept, choices[0])

    def parsed(
        self,
        key: str,
        parse: Callable[[str], Value],
        expected: str,
        default: Default | Required = REQUIRED,
    ) -> Value | Default | None:
        """Return what `parse` makes of a text; it complains by raising ValueError or SakshiError.

        Returns:
            None where the value is wrong or missing, and has no default.
        """

        def accept(node: ScalarNode) -> Value | None:
            return parse(node.text)

        return self._scalar(key, default, expected, accept, None)

    def expanded(self, key: str, *, required: bool = False) -> str | None:
        """Return a text with each `${NAME}` replaced from the environment.

        Returns:
            None where the key is absent, and where a variable is not set: `unset` says which.
        """
        self._expanded.add(key)
        text = self.text(key) if required else self.text(key, None)
        names = find_unset(text or "", self.document.environment)
        if names:
            self.unset[key] = [f"{name} is not set" for name in names]
            return None
        return None if text is None else expand(text, self.document.environment)

    # ------------------------------------------------------------------ collections

    def texts(self, key: str, default: Default | tuple[()] = ()) -> Sequence[str] | Default:
        """Return a list of texts; an item that is none has a complaint, and is left out."""
        if key not in self:
            self._taken.add(key)
            return default
        values = []
        for index, node in enumerate(self._items(key, "a list of texts")):
            if isinstance(node, ScalarNode) and not node.is_null:
                values.append(node.text)
            else:
                path = f"{self._join(key)}[{index}]"
                self.document.note(node, path, "a text", describe(node))
        return values

    def labels(self, key: str) -> dict[str, str]:
        """Return a mapping of names to texts; empty where it is absent, as is a text."""
        section = self.section(key)
        return {name: section.text(name, "") for name in section.keys()}  # noqa: SIM118 - not a dict

    def section(self, key: str) -> Self:
        """Return a mapping below this one; empty where it is absent."""
        self._taken.add(key)
        node = self._entries[key][1] if key in self else MappingNode(*self._position())
        return type(self)(self.document, node, self._join(key))

    def sections(self, key: str) -> Sequence[Self]:
        """Return a list of mappings; empty where it is absent."""
        self._taken.add(key)
        return [
            type(self)(self.document, node, f"{self._join(key)}[{index}]")
            for index, node in enumerate(self._items(key, "a list"))
        ]

    # ------------------------------------------------------------------ complaints

    def problem(self, path: str, expected: str, found: str | None = None) -> None:
        """Note that something is wrong at a key, or below it: `labels.severity`, `targets[0]`.

        Args:
            path: from this section on; empty: the section itself.
            expected: in words.
            found: in words; None: what stands there.
        """
        self.add(Problem(path, expected, describe(self._find(path)) if found is None else found))

    def add(self, problem: Problem, inside: str = "") -> None:
        """Note a problem whose place is a path from this section on, with where it stands.

        Args:
            problem: from a package that knows paths, but not the file.
            inside: where in the value: ` at 1:17`.
        """
        path = self._join(problem.place) if problem.place else self.path
        node = self._find(problem.place)
        self.document.note(node, path, problem.expected, problem.found, inside=inside)

    def is_wrong(self, path: str) -> bool:
        """Tell whether there is a problem at a path from this section on, or above it."""
        return self.document.is_wrong(self._join(path))

    def has_problems(self, path: str = "") -> bool:
        """Tell whether there is a problem at a path from this section on, above it or below it."""
        return self.document.has_problems_at(self._join(path) if path else self.path)

    def exists(self, path: str) -> bool:
        """Tell whether there is something at a path from this section on."""
        return self._walk(path)[1] == ""

    def warn(self, path: str, text: str) -> None:
        """Note something at a path from this section on that stops nothing."""
        self.document.warn(self._find(path), self._join(path) if path else self.path, text)

    def warn_here(self, text: str) -> None:
        """Note something that stops nothing where this section stands, without its path."""
        self.document.warn(self._node, "", text)

    # ------------------------------------------------------------------ the end

    def known_keys(self) -> frozenset[str]:
        """Return the keys that were asked for, and have an effect."""
        return frozenset(self._taken - self._ineffective)

    def unsupported(self, keys: Iterable[str], text: str = "not supported yet, no effect") -> None:
        """Warn of these keys where they stand: they are right, but have no effect yet."""
        keys = frozenset(keys)
        self.ignore(keys)
        for key in keys & self._entries.keys():
            self.document.warn(self._entries[key][0], self._join(key), text)

    def ignore(self, keys: Iterable[str]) -> None:
        """Take keys that mean nothing to sakshi, without a word."""
        keys = frozenset(keys)
        self._taken |= keys
        self._ineffective |= keys

    def require(self, key: str, expected: str) -> None:
        """Note a key that is not there; what it holds is read by another call."""
        self._taken.add(key)
        if key not in self:
            self._miss(key, expected)

    def warn_of_references(self) -> None:
        """Warn of each `${NAME}` in a text in which it is not replaced."""
        for key, (_, node) in self._entries.items():
            is_read = key in self.known_keys() and key not in self._expanded
            if is_read and isinstance(node, ScalarNode) and has_reference(node.text):
                self.warn(key, "${...} is not replaced here, only in secrets and addresses")

    def close(self) -> None:
        """Note every key that nobody took as a problem, and every one that is missing.

        An unknown key that resembles a known one is taken for a misspelling. Where a key is
        missing, an unknown one is taken for it: that is one problem, not two.
        """
        missing = dict(self._missing)
        unknown = [key for key in self._entries if key not in self._taken]
        for key in unknown:
            near = find_near(key, missing) or find_near(key, self._taken)
            near = near or next(iter(missing), None)
            missing.pop(near or "", None)
            known = ", ".join(sorted(self.known_keys())) or "no key at all"
            expected = f'the key "{near}"' if near else f"one of {known}"
            found = f'the unknown key "{key}"'
            self.document.note(self._entries[key][0], self._join(key), expected, found)
        for key, expected in missing.items():
            self.document.note_missing(self._node, self._join(key), expected)

    # ------------------------------------------------------------------ below

    def _collect(self, node: MappingNode) -> None:
        merged: list[Node] = []
        for key, value in node.entries:
            if not isinstance(key, ScalarNode) or key.is_null:
                self.document.note(key, self._join("?"), "a text as key", describe(key))
            elif key.text == "<<" and key.is_plain:
                merged += value.items if isinstance(value, ListNode) else [value]
            elif key.text in self._entries:
                path = self._join(key.text)
                self.document.note(key, path, "each key once", f'"{key.text}" a second time')
            else:
                self._entries[key.text] = (key, value)
        for (
            source
        ) in merged:  # the first of several that have a key wins, the mapping itself before
            other = type(self)(self.document, source, self._join("<<"))
            for name, entry in other._entries.items():
                self._entries.setdefault(name, entry)

    def _scalar(
        self,
        key: str,
        default: Default | Required,
        expected: str,
        accept: Callable[[ScalarNode], Value],
        placeholder: Value,
    ) -> Value | Default:
        """Return what `accept` makes of a scalar; the default where it is absent or wrong."""
        self._taken.add(key)
        replacement = placeholder if isinstance(default, Required) else default
        node = self._entries[key][1] if key in self else None
        if node is None:
            if isinstance(default, Required):
                self._miss(key, expected)
            return replacement
        if not isinstance(node, ScalarNode):
            self.document.note(node, self._join(key), expected, describe(node))
            return replacement
        try:
            return accept(node)
        except (ValueError, SakshiError) as error:
            self.document.note(node, self._join(key), expected, describe(node) + reason(error))
        return replacement

    def _miss(self, key: str, expected: str) -> None:
        if not self.document.is_wrong(self._join(key)):
            self._missing[key] = expected
            self.document.mark_wrong(self._join(key))

    def _items(self, key: str, expected: str) -> Sequence[Node]:
        self._taken.add(key)
        if key not in self:
            return []
        node = self._entries[key][1]
        if isinstance(node, ListNode):
            return node.items
        self.document.note(node, self._join(key), expected, describe(node))
        return []

    def _join(self, path: str) -> str:
        return f"{self.path}.{path}" if self.path else path

    def _position(self) -> tuple[int, int]:
        return self._node.line, self._node.column

    def _find(self, path: str) -> Node:
        """Return the node at a path from this section on, or the nearest one above it."""
        return self._walk(path)[0]

    def _walk(self, path: str) -> tuple[Node, str]:
        """Return the last node on a path from this section on, and what is left of the path."""
        node = self._node
        children: Mapping[str, Node] = {name: value for name, (_, value) in self._entries.items()}
        while path:
            name = max((name for name in children if _begins(path, name)), key=len, default=None)
            if name is None:
                break
            node, path = children[name], path[len(name) :].removeprefix(".")
            children = _children(node)
        return node, path


def find_near(key: str, known: Iterable[str]) -> str | None:
    """Return the known key that a key most resembles; None where it resembles none.

    Example:
        >>> find_near("scrapeIntervall", ["scrape_timeout", "scrape_interval", "job_name"])
        'scrape_interval'
    """
    matches = difflib.get_close_matches(key, sorted(known), n=1)
    return matches[0] if matches else None


def describe(node: Node) -> str:
    """Return in words what stands at a node; of a long text its beginning."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, ListNode):
        return "a list"
    if not isinstance(node, ScalarNode) or node.is_null:
        return "nothing"
    if len(node.text) > FOUND_CHARACTERS_MAX:
        return f'"{node.text[:FOUND_CHARACTERS_MAX]}..."'
    return f'"{node.text}"'


def reason(error: Exception) -> str:
    """Return what an error of ours adds to the finding; nothing where it would only repeat it."""
    is_new = isinstance(error, SakshiError) and not str(error).startswith("expected ")
    return f" ({error})" if is_new else ""


def _accept_text(node: ScalarNode) -> str:
    return node.text


def _accept_boolean(node: ScalarNode) -> bool:
    if not node.is_plain or node.text not in _TRUE | _FALSE:
        raise ValueError
    return node.text in _TRUE


def _begins(path: str, name: str) -> bool:
    """Tell whether a name is the first step of a path; names may hold dots."""
    return path.startswith(name) and path[len(name) : len(name) + 1] in ("", ".", "[")


def _children(node: Node) -> Mapping[str, Node]:
    """Return what is directly below a node, by its step in a path."""
    if isinstance(node, ListNode):
        return {f"[{index}]": item for index, item in enumerate(node.items)}
    if isinstance(node, MappingNode):
        return {key.text: value for key, value in node.entries if isinstance(key, ScalarNode)}
    return {}
