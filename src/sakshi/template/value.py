"""What templates compute with, and Go's rules for it: types, truth, fields, order.

    str  int  float  bool  None      Go's string, int, float64, bool, nil
    Mapping                          a map: a field that is not there is the empty string
    Sequence                         a slice
    Moment                           time.Time
    any other object                 a struct: attributes that begin with a capital are its fields
                                     and methods; nothing else can be reached

`KV`, `Pairs` and `Alerts` are Alertmanager's types. A plain mapping or list has their methods too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sakshi.template.errors import FunctionError
from sakshi.template.moment import Moment


class SafeHtml(str):
    """Text that is HTML already: escaping leaves it as it is."""

    __slots__ = ()


@dataclass(frozen=True)
class Pair:
    """A label or annotation in an ordered list. Fields have Go's names."""

    Name: str
    Value: str


class Pairs(list[Pair]):
    """Pairs in order; prints as `a=1, b=2`."""

    def Names(self) -> list[str]:  # Go's name, which templates use
        """Return the names in order."""
        return [pair.Name for pair in self]

    def Values(self) -> list[str]:
        """Return the values in order."""
        return [pair.Value for pair in self]

    def __str__(self) -> str:
        return ", ".join(f"{pair.Name}={pair.Value}" for pair in self)


class KV(dict[str, str]):
    """Labels or annotations as Alertmanager's templates know them.

    Example:
        >>> labels = KV({"severity": "critical", "alertname": "Down", "job": "chat"})
        >>> str(labels), labels.Remove(["job", "severity"]).Names()
        ('alertname=Down, job=chat, severity=critical', ['alertname'])
    """

    def SortedPairs(self) -> Pairs:
        """Return the pairs sorted by name, `alertname` first."""
        names = sorted(self, key=lambda name: (name != "alertname", name))
        return Pairs(Pair(name, self[name]) for name in names)

    def Remove(self, names: Iterable[str]) -> KV:
        """Return a copy without these names."""
        dropped = set(names)
        return KV({name: value for name, value in self.items() if name not in dropped})

    def Names(self) -> list[str]:
        """Return the names, as sorted by `SortedPairs`."""
        return self.SortedPairs().Names()

    def Values(self) -> list[str]:
        """Return the values, as sorted by `SortedPairs`."""
        return self.SortedPairs().Values()

    def __str__(self) -> str:
        return str(self.SortedPairs())


class Alerts(list[Any]):
    """Alerts with a field `Status`."""

    def Firing(self) -> Alerts:
        """Return those that fire."""
        return Alerts(alert for alert in self if get_field(alert, "Status") == "firing")

    def Resolved(self) -> Alerts:
        """Return those that are resolved."""
        return Alerts(alert for alert in self if get_field(alert, "Status") == "resolved")


_KV_METHODS: Final = frozenset({"SortedPairs", "Remove", "Names", "Values"})
_ALERTS_METHODS: Final = frozenset({"Firing", "Resolved"})


def get_field(value: Any, name: str) -> Any:
    """Return a field, an entry or a method of a value.

    Raises:
        FunctionError: nil has no fields, and a struct has no such field.
    """
    if value is None:
        raise FunctionError(f"nil has no field {name}")
    if isinstance(value, Mapping):
        return _get_entry(value, name)
    if isinstance(value, list | tuple) and name in _ALERTS_METHODS:
        return getattr(Alerts(value), name)
    if name[:1].isupper() and not isinstance(value, str | int | float):
        found = getattr(value, name, _MISSING)
        if found is not _MISSING:
            return found
    raise FunctionError(f"there is no field {name} in a {type_name(value)}")


_MISSING: Final = object()


def _get_entry(mapping: Mapping[Any, Any], name: str) -> Any:
    if name in _KV_METHODS and (isinstance(mapping, KV) or name not in mapping):
        return getattr(KV(mapping), name)
    return mapping.get(name, "")


def is_true(value: Any) -> bool:
    """Tell whether a value counts as true: not zero, not empty, not nil; a struct always is."""
    if value is None or isinstance(value, str | int | float | Mapping | list | tuple):
        return bool(value)
    return True


def type_name(value: Any) -> str:
    """Return the name of a value's type in Go, for error messages."""
    if isinstance(value, Mapping):
        return "map"
    if isinstance(value, list | tuple):
        return "slice"
    names = {str: "string", SafeHtml: "string", bool: "bool", int: "int", float: "float64"}
    names |= {type(None): "nil", Moment: "time.Time"}
    return names.get(type(value), type(value).__name__)


def are_equal(left: Any, right: Any) -> bool:
    """Tell whether two values of one basic type are equal.

    Raises:
        FunctionError: the types differ (1 and 1.0 do), or cannot be compared.
    """
    if left is None or right is None:
        return left is right
    return bool(_comparable(left, right) and left == right)


def is_less(left: Any, right: Any) -> bool:
    """Tell whether a number or string is less than another of its type.

    Raises:
        FunctionError: the types differ (1 and 1.0 do), or have no order.
    """
    if isinstance(left, bool):
        raise FunctionError("truth values have no order")
    return bool(_comparable(left, right) and left < right)


def _comparable(left: Any, right: Any) -> bool:
    left_type, right_type = type_name(left), type_name(right)
    if left_type not in ("string", "int", "float64", "bool"):
        raise FunctionError(f"a {left_type} cannot be compared")
    if left_type != right_type:
        hint = " (write 1.0 instead of 1)" if {left_type, right_type} == {"int", "float64"} else ""
        raise FunctionError(f"{left_type} and {right_type} cannot be compared{hint}")
    return True


def sorted_items(mapping: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    """Return a mapping's entries sorted by key, as Go prints and ranges over maps."""
    return sorted(mapping.items(), key=lambda item: (type_name(item[0]), item[0]))
