"""Relabelling: rules that change, keep or drop label sets, as Prometheus has them.

    source labels ──joined──▶ regex, anchored ──groups──▶ replacement ──▶ target label

Rules run one after the other, each on what the ones before it left. A target or series that one of
them drops is dropped. Rules are pure: what they make of a label set is worth keeping, and is kept
by whoever applies them (`ingest.py` does so for as long as a layout lasts).

Source:
    prometheus/prometheus model/relabel/relabel.go
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sakshi.model.labels import Labels
from sakshi.model.matcher import compile_regex
from sakshi.scrape.expansion import Replacement

SEPARATOR: Final = ";"
REGEX: Final = "(.*)"
REPLACEMENT: Final = "$1"


class RelabelAction(StrEnum):
    """What a rule does with the joined values of its source labels, or with label names."""

    REPLACE = "replace"
    KEEP = "keep"
    DROP = "drop"
    KEEP_EQUAL = "keepequal"
    DROP_EQUAL = "dropequal"
    HASH_MOD = "hashmod"
    LABEL_MAP = "labelmap"
    LABEL_DROP = "labeldrop"
    LABEL_KEEP = "labelkeep"
    LOWERCASE = "lowercase"
    UPPERCASE = "uppercase"


@dataclass(frozen=True)
class RelabelRule:
    """One rule.

    Args:
        source_labels: whose values are joined; one that is absent has the empty value.
        separator: between them.
        target_label: that is set or compared; may refer to groups where the action is REPLACE.
        regex: of RE2, anchored at both ends.
        modulus: of HASH_MOD; above 0.
        replacement: may refer to groups; of REPLACE and LABEL_MAP.

    Raises:
        InvalidRegexError: the regex is none.
    """

    action: RelabelAction = RelabelAction.REPLACE
    source_labels: Sequence[str] = ()
    separator: str = SEPARATOR
    target_label: str = ""
    regex: str = REGEX
    modulus: int = 0
    replacement: str = REPLACEMENT
    apply: Callable[[_Draft], bool] = field(init=False, repr=False, compare=False)
    """Changes a draft; False where the label set is to be dropped."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "apply", _ACTIONS[self.action](self, compile_regex(self.regex)))


def relabel(labels: Mapping[str, str], rules: Iterable[RelabelRule]) -> Labels | None:
    """Return what rules make of a label set; None where they drop it.

    A set that has no label left is dropped too.

    Example:
        >>> rule = RelabelRule(source_labels=["host"], regex="(.*):.*", target_label="instance")
        >>> print(relabel({"host": "chat:5000"}, [rule]))
        {host="chat:5000", instance="chat"}
        >>> drop = RelabelRule(RelabelAction.DROP, ["host"], regex="c.*")
        >>> relabel({"host": "chat"}, [drop]) is None
        True
    """
    draft = _Draft(labels)
    for rule in rules:
        if not rule.apply(draft):
            return None
    return draft.finish() or None


class _Draft:
    """A label set while rules change it.

    Labels come in Prometheus' order, which decides where two are mapped to one name: those that
    were not touched by name, then those that were set, oldest first.
    """

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._untouched = {name: value for name, value in sorted(labels.items()) if value}
        self._set: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        return self._set.get(name) or self._untouched.get(name, "")

    def __setitem__(self, name: str, value: str) -> None:
        self._untouched.pop(name, None)
        if value:
            self._set[name] = value
        else:
            self._set.pop(name, None)

    def items(self) -> Iterator[tuple[str, str]]:
        """Yield the labels as they are now, whatever is set meanwhile."""
        yield from (*self._untouched.items(), *self._set.items())

    def names(self) -> Sequence[str]:
        """Return the names of the labels as they are now."""
        return [*self._untouched, *self._set]

    def joined(self, rule: RelabelRule) -> str:
        return rule.separator.join([self[name] for name in rule.source_labels])

    def finish(self) -> Labels:
        return Labels({**self._untouched, **self._set})


_Change = Callable[[_Draft], bool]


def _replace(rule: RelabelRule, regex: Any) -> _Change:
    target, replacement = (
        Replacement(rule.target_label, regex),
        Replacement(rule.replacement, regex),
    )

    def change(draft: _Draft) -> bool:
        match = regex.fullmatch(draft.joined(rule))
        if match is not None and (name := target.expand(match)):
            draft[name] = replacement.expand(match)
        return True

    return change


def _filter(is_kept: bool) -> Callable[[RelabelRule, Any], _Change]:
    def make(rule: RelabelRule, regex: Any) -> _Change:
        return lambda draft: (regex.fullmatch(draft.joined(rule)) is not None) is is_kept

    return make


def _compare(is_kept: bool) -> Callable[[RelabelRule, Any], _Change]:
    def make(rule: RelabelRule, _: Any) -> _Change:
        return lambda draft: (draft[rule.target_label] == draft.joined(rule)) is is_kept

    return make


def _set_to(compute: Callable[[RelabelRule, str], str]) -> Callable[[RelabelRule, Any], _Change]:
    def make(rule: RelabelRule, _: Any) -> _Change:
        def change(draft: _Draft) -> bool:
            draft[rule.target_label] = compute(rule, draft.joined(rule))
            return True

        return change

    return make


def _label_map(rule: RelabelRule, regex: Any) -> _Change:
    replacement = Replacement(rule.replacement, regex)

    def change(draft: _Draft) -> bool:
        for name, value in draft.items():
            match = regex.fullmatch(name)
            if match is not None:
                draft[replacement.expand(match)] = value
        return True

    return change


def _label_filter(is_kept: bool) -> Callable[[RelabelRule, Any], _Change]:
    def make(_: RelabelRule, regex: Any) -> _Change:
        def change(draft: _Draft) -> bool:
            for name in draft.names():
                if (regex.fullmatch(name) is not None) is not is_kept:
                    draft[name] = ""
            return True

        return change

    return make


def _hash_modulus(rule: RelabelRule, text: str) -> str:
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return str(int.from_bytes(digest[8:]) % rule.modulus)


def _lower(character: str) -> str:
    """Return the one small letter of a letter, as Go maps letter by letter."""
    return "i" if character == "\u0130" else character.lower()


def _upper(character: str) -> str:
    """Return the one capital letter of a letter; itself where it has several."""
    return next(
        (text for text in (character.upper(), character.title()) if len(text) == 1), character
    )


_ACTIONS: Final[Mapping[RelabelAction, Callable[[RelabelRule, Any], _Change]]] = {
    RelabelAction.REPLACE: _replace,
    RelabelAction.KEEP: _filter(True),
    RelabelAction.DROP: _filter(False),
    RelabelAction.KEEP_EQUAL: _compare(True),
    RelabelAction.DROP_EQUAL: _compare(False),
    RelabelAction.HASH_MOD: _set_to(_hash_modulus),
    RelabelAction.LABEL_MAP: _label_map,
    RelabelAction.LABEL_DROP: _label_filter(False),
    RelabelAction.LABEL_KEEP: _label_filter(True),
    RelabelAction.LOWERCASE: _set_to(lambda _, text: "".join(map(_lower, text))),
    RelabelAction.UPPERCASE: _set_to(lambda _, text: "".join(map(_upper, text))),
}
