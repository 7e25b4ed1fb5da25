"""How a stand-in behaves: how long it takes, how often it fails, whether it stays on the subject.

The time of an answer is log-normal, as those of real models nearly are: most near the median, a
tail of slow ones. `sigma` 0.35 puts the 95th percentile at 1.7 times the mean and the 99th at 2.1.
"""

from __future__ import annotations

import math
import random
from dataclasses import asdict, dataclass, fields
from typing import Any

SIGMA = 0.35
FIRST_PIECE_SHARE = 0.4  # of an answer's time passes before its first piece
REFUSAL_SECONDS = 0.03  # a refusal is quick
PIECES_MAX = 8  # an answer comes in so many events at most


class BehaviourError(ValueError):
    """A change of behaviour that cannot be made: says which field, and what was expected."""


@dataclass
class Behaviour:
    """What can be changed while a stand-in runs.

    Args:
        latency_factor: times the usual time of an answer, 0 to 100.
        error_rate: share of the requests that are refused, 0 to 1.
        off_subject: answer about something else.
    """

    latency_factor: float = 1.0
    error_rate: float = 0.0
    off_subject: bool = False

    LIMITS = {"latency_factor": 100.0, "error_rate": 1.0}  # noqa: RUF012 - unannotated: no field

    def change(self, wanted: object) -> None:
        """Take over the given fields, all of them or none.

        Raises:
            BehaviourError: an unknown field, a wrong type, a number out of range.
        """
        if not isinstance(wanted, dict):
            raise BehaviourError("expected a JSON object")
        known = {field.name for field in fields(self)}
        for name, value in wanted.items():
            if name not in known:
                raise BehaviourError(f"{name}: expected one of {', '.join(sorted(known))}")
            self._check(name, value)
        for name, value in wanted.items():
            setattr(self, name, value)

    def as_fields(self) -> dict[str, Any]:
        """Return the fields of its JSON object."""
        return asdict(self)

    def _check(self, name: str, value: object) -> None:
        if name == "off_subject":
            if not isinstance(value, bool):
                raise BehaviourError(f"{name}: expected true or false")
            return
        limit = self.LIMITS[name]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 <= float(value) <= limit:  # type: ignore[arg-type] # a number by the test before it
            raise BehaviourError(f"{name}: expected a number from 0 to {limit:g}")


def draw_seconds(mean_seconds: float, chance: random.Random) -> float:
    """Return how long one answer takes: log-normal with the given mean."""
    return chance.lognormvariate(math.log(mean_seconds) - SIGMA**2 / 2, SIGMA)


def split_pieces(text: str) -> list[str]:
    """Return a text in at most `PIECES_MAX` pieces that end between words; joined they are it.

    Example:
        >>> split_pieces("one two three")
        ['one ', 'two ', 'three']
    """
    parts = text.split(" ")
    size = -(-len(parts) // PIECES_MAX)
    groups = [" ".join(parts[start : start + size]) for start in range(0, len(parts), size)]
    return [*(f"{group} " for group in groups[:-1]), groups[-1]]
