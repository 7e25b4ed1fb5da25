"""Who wins where a target's own labels and the exposed ones have the same name."""

from __future__ import annotations

from typing import Final

from sakshi.exposition import LabelPairs
from sakshi.model.labels import Labels

EXPORTED_PREFIX: Final = "exported_"


def merge_labels(exposed: LabelPairs, target: Labels, honor_labels: bool) -> Labels:
    """Return a series' labels.

    With `honor_labels` an exposed label wins, and one with an empty value removes the target's own
    (as a Pushgateway wants for `instance`). Without, the target's label wins and the exposed one is
    kept under a name with as many prefixes `exported_` as it takes.

    Source:
        prometheus/prometheus scrape/scrape.go, mutateSampleLabels.

    Example:
        >>> exposed = (("__name__", "up"), ("job", "push"))
        >>> print(merge_labels(exposed, Labels({"job": "chat"}), honor_labels=False))
        up{exported_job="push", job="chat"}
        >>> print(merge_labels(exposed, Labels({"job": "chat"}), honor_labels=True))
        up{job="push"}
    """
    merged = dict(exposed)
    if honor_labels:
        return Labels({**dict(target.pairs), **merged})
    conflicts = [(name, merged[name]) for name in target if merged.get(name)]
    merged.update(target.pairs)
    for name, value in sorted(conflicts, key=lambda conflict: len(conflict[0])):
        free_name = EXPORTED_PREFIX + name
        while merged.get(free_name):
            free_name = EXPORTED_PREFIX + free_name
        merged[free_name] = value
    return Labels(merged)
