"""Where imported samples go: into a data folder that nobody serves, or to a sakshi that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from sakshi.app.store_keeper import StoreKeeper
from sakshi.cli.client import Client
from sakshi.model.clock import SystemClock
from sakshi.model.errors import SakshiError
from sakshi.storage import ImportBatch, ImportOutcome, ImportRefusal, SqliteStore
from sakshi.storage.import_body import CONTENT_TYPE, encode_import


class RefusedImportError(SakshiError):
    """The server takes no import; the message is its reason, and says what to do."""


class ImportSink(Protocol):
    """Takes batches of an import."""

    def take(self, batch: ImportBatch, newest_ms: int | None) -> ImportOutcome:
        """Return what became of samples, once they are durable.

        Args:
            batch: of samples in any order.
            newest_ms: of the newest sample of the whole import; None: it is not known.

        Raises:
            SakshiError: they could not be taken; they may be repeated.
        """

    def close(self) -> None:
        """Release what is held."""


class FolderSink:
    """Imports into a data folder.

    Args:
        data: the folder; made where it does not exist.

    Raises:
        StorageError: it is in use, or cannot be used.
    """

    def __init__(self, data: Path) -> None:
        clock = SystemClock()
        self._store = SqliteStore(data / "samples")
        self._keeper = StoreKeeper(self._store, data / "snapshots", clock)

    def take(self, batch: ImportBatch, newest_ms: int | None) -> ImportOutcome:
        """Return what became of samples: see `ImportSink`."""
        return self._keeper.import_samples(batch, newest_ms)

    def close(self) -> None:
        """Release the folder."""
        self._store.close()


class ServerSink:
    """Sends to a sakshi that runs."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def take(self, batch: ImportBatch, newest_ms: int | None) -> ImportOutcome:
        """Return what became of samples: see `ImportSink`."""
        path = "admin/import" if newest_ms is None else f"admin/import?newest={newest_ms / 1000}"
        answer = self._client.send(path, encode_import(batch), CONTENT_TYPE)
        if answer["status"] != "success":
            raise RefusedImportError(_explain(str(answer.get("error", "failed"))))
        return _read_outcome(answer["data"])

    def close(self) -> None:
        """Hold nothing."""


def _read_outcome(data: Any) -> ImportOutcome:
    outcome = ImportOutcome(int(data["taken"]), int(data["known"]))
    for refused in data["refused"]:
        reason = ImportRefusal(refused["reason"])
        outcome.refuse(reason, str(refused["first"]), int(refused["count"]))
    return outcome


def _explain(error: str) -> str:
    if error == "admin APIs disabled":
        return f"{error}: set web.enable_admin_api in its configuration, or stop it and use --data"
    return error
