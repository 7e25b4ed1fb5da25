"""Secrets: values that never show themselves in a log, an error or a representation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

HIDDEN: Final = "<secret>"


@dataclass(frozen=True)
class Secret:
    """A password, a key, or a URL that is one.

    Example:
        >>> secret = Secret("hunter2")
        >>> f"{secret} {secret!r}", secret.reveal()
        ('<secret> <secret>', 'hunter2')
    """

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """Return the value, for the wire and nothing else."""
        return self._value

    def hide_in(self, text: str) -> str:
        """Return a text in which the value is hidden wherever it stands.

        Example:
            >>> Secret("hunter2").hide_in("no user for hunter2")
            'no user for <secret>'
        """
        return text.replace(self._value, HIDDEN) if self._value else text

    def __bool__(self) -> bool:
        """Tell whether there is a value: the empty one is none."""
        return bool(self._value)

    def __str__(self) -> str:
        return HIDDEN

    def __repr__(self) -> str:
        return HIDDEN
