"""What a torture has counted so far, in a file: a run that was stopped goes on where it was."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass
class Progress:
    """Counts of all runs so far.

    Args:
        rounds: kills, or images.
        samples: found and compared, over all rounds.
        lost: acknowledged, and gone.
        wrong: with other bits.
        unopenable: rounds after which the store did not open.
        broken: promises that were not kept in another way; each was told when it was found.
        acknowledged: commits that returned.
        seconds: spent so far.
    """

    rounds: int = 0
    samples: int = 0
    lost: int = 0
    wrong: int = 0
    unopenable: int = 0
    broken: int = 0
    acknowledged: int = 0
    seconds: float = 0.0

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, wrong, unopenable or broken."""
        return not (self.lost or self.wrong or self.unopenable or self.broken)

    def find(self, what: str) -> None:
        """Count a promise that was not kept, and tell which."""
        self.broken += 1
        print(f"broken: {what}", flush=True)

    def __str__(self) -> str:
        """Return the counts on one line."""
        return " ".join(f"{name}={value:.6g}" if name == "seconds" else f"{name}={value}"
                        for name, value in asdict(self).items())  # fmt: skip

    def save(self, file: Path) -> None:
        """Write the counts, all or nothing."""
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(file)


def load_progress(file: Path) -> Progress:
    """Return what a file holds; nothing counted where there is none."""
    if not file.exists():
        return Progress()
    known = {field.name for field in fields(Progress)}
    found = json.loads(file.read_text())
    return Progress(**{name: value for name, value in found.items() if name in known})
