from __future__ import annotations

import pytest

from sakshi.model.labels import Labels
from sakshi.scrape.merge import merge_labels

TARGET = Labels({"job": "chat", "instance": "a:1"})


@pytest.mark.parametrize(
    ("exposed", "merged"),
    [
        pytest.param(
            {"zone": "b"}, {"job": "chat", "instance": "a:1", "zone": "b"}, id="no conflict"
        ),
        pytest.param(
            {"job": "push"},
            {"job": "chat", "instance": "a:1", "exported_job": "push"},
            id="the exposed label is renamed",
        ),
        pytest.param(
            {"job": "push", "exported_job": "old"},
            {
                "job": "chat",
                "instance": "a:1",
                "exported_job": "old",
                "exported_exported_job": "push",
            },
            id="as often as it takes",
        ),
        pytest.param({"job": ""}, {"job": "chat", "instance": "a:1"}, id="an empty one is none"),
    ],
)
def test_merge_lets_the_target_win(exposed: dict[str, str], merged: dict[str, str]) -> None:
    """Without honor_labels the target's labels stand, and no exposed one is lost."""
    pairs = (("__name__", "up"), *exposed.items())

    assert merge_labels(pairs, TARGET, honor_labels=False) == Labels({"__name__": "up", **merged})


@pytest.mark.parametrize(
    ("exposed", "merged"),
    [
        pytest.param(
            {"zone": "b"}, {"job": "chat", "instance": "a:1", "zone": "b"}, id="no conflict"
        ),
        pytest.param(
            {"job": "push"}, {"job": "push", "instance": "a:1"}, id="the exposed one stays"
        ),
        pytest.param({"instance": ""}, {"job": "chat"}, id="an empty one removes the target's"),
    ],
)
def test_merge_honors_exposed_labels(exposed: dict[str, str], merged: dict[str, str]) -> None:
    """With honor_labels the exposed labels stand; the target's fill what is missing."""
    pairs = (("__name__", "up"), *exposed.items())

    assert merge_labels(pairs, TARGET, honor_labels=True) == Labels({"__name__": "up", **merged})


def test_merge_tells_apart_conflicts_that_lead_to_one_name() -> None:
    """Two target labels whose exposed namesakes would get the same name get two."""
    target = Labels({"a": "1", "exported_a": "2"})
    pairs = (("__name__", "m"), ("a", "x"), ("exported_a", "y"))

    merged = merge_labels(pairs, target, honor_labels=False)

    assert dict(merged) == {
        "__name__": "m",
        "a": "1",
        "exported_a": "2",
        "exported_exported_a": "x",
        "exported_exported_exported_a": "y",
    }
