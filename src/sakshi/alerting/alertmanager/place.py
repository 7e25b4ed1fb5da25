"""An Alertmanager's place in the ledger: what it is owed, and up to where it has been told.

A ledger that refuses stops no alert: it is logged once, and asked again at the next look.
"""

from __future__ import annotations

import logging
from typing import Final

from sakshi.alerting.dispatch import InThread
from sakshi.ledger import LedgerError, OwedResolutions, ResolutionRecorder

ENROL_SECONDS: Final = 3600.0  # how often the ledger hears that the Alertmanager is still there
ADVANCE_COUNT: Final = 1000  # transitions after which the place moves on although nothing was owed

logger = logging.getLogger(__name__)


class LedgerPlace:
    """What the ledger knows of one Alertmanager.

    Args:
        name: by which the ledger knows it.
        url: for logs.
        ledger: it.
        in_thread: runs the ledger's blocking methods.
    """

    def __init__(
        self, name: str, url: str, ledger: ResolutionRecorder, in_thread: InThread
    ) -> None:
        self.owed = OwedResolutions((), 0)
        """As it was last read, less what was settled since."""
        self._name, self._url = name, url
        self._ledger, self._in_thread = ledger, in_thread
        self._settled_id = 0
        self._enrol_at = 0.0
        self._is_enrolled = False
        self._is_failing = False

    async def enrol(self, now: float) -> bool:
        """Have the ledger know that the Alertmanager is there; tell whether it knows only now.

        Args:
            now: seconds, monotonic.
        """
        if now < self._enrol_at:
            return False
        try:
            await self._in_thread(self._ledger.enrol_alertmanager, self._name)
        except LedgerError as error:
            self._note(error)
            return False
        self._note()
        was_enrolled, self._is_enrolled = self._is_enrolled, True
        self._enrol_at = now + ENROL_SECONDS
        return not was_enrolled

    async def read(self, *, is_changed: bool) -> None:
        """Learn what is owed, if that can be something else than before.

        Args:
            is_changed: whether alerts have changed since.
        """
        if not self._is_enrolled or not (is_changed or self.owed.owed or self._is_failing):
            return
        try:
            self.owed = await self._in_thread(self._ledger.owed_resolutions, self._name)
            self._note()
        except LedgerError as error:
            self._note(error)

    async def settle(self, settled_id: int) -> None:
        """Write down the transition up to which nothing is owed, where that is worth a write."""
        owed = self.owed.owed
        is_progress = bool(owed) and settled_id >= owed[0].transition_id
        if not is_progress and settled_id - self._settled_id < ADVANCE_COUNT:
            return
        try:
            await self._in_thread(self._ledger.settle_resolutions, self._name, settled_id)
        except LedgerError as error:
            self._note(error)
            return
        self._note()
        self._settled_id = settled_id
        rest = [item for item in owed if item.transition_id > settled_id]
        self.owed = OwedResolutions(rest, self.owed.through_id)

    def _note(self, error: LedgerError | None = None) -> None:
        """Log the first failure of the ledger, and its end."""
        if error is not None and not self._is_failing:
            logger.error("what was told cannot be kept alertmanager=%s error=%s", self._url, error)
        elif error is None and self._is_failing:
            logger.info("what was told can be kept again alertmanager=%s", self._url)
        self._is_failing = error is not None
