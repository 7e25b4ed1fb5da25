"""Which series of an import may be stored: the same as of a push."""

from __future__ import annotations

import numpy as np

from sakshi.model.labels import Labels
from sakshi.storage import ImportBatch, ImportOutcome, ImportRefusal
from sakshi.storage.import_body import ImportBody
from sakshi.web.received_series import RefusedSeriesError, check_pairs

_REFUSED = -1  # the place of a series that nobody may have


def check_batch(body: ImportBody) -> tuple[ImportBatch, ImportOutcome]:
    """Return the samples whose series may be stored, and how many others there are."""
    outcome = ImportOutcome()
    counts = np.bincount(body.places, minlength=len(body.series)).tolist()
    known: dict[Labels, int] = {}
    places = []
    for pairs, count in zip(body.series, counts, strict=True):
        try:
            places.append(known.setdefault(check_pairs(pairs), len(known)))
        except RefusedSeriesError as error:
            places.append(_REFUSED)
            outcome.refuse(ImportRefusal.INVALID_SERIES, str(error), count)
    numbers = np.array(places, np.intp)[body.places] if places else body.places
    batch = ImportBatch(list(known), numbers, body.timestamps, body.values)
    return (batch.only(numbers != _REFUSED) if outcome.refused else batch), outcome
