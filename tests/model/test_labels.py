"""Label sets."""

from __future__ import annotations

import pytest

from sakshi.model.labels import Labels, quote_value


def test_order_of_the_pairs_does_not_matter():
    """A label set is the same however it was written."""
    assert Labels({"b": "2", "a": "1"}) == Labels([("a", "1"), ("b", "2")])
    assert hash(Labels({"b": "2", "a": "1"})) == hash(Labels([("a", "1"), ("b", "2")]))


def test_a_label_set_equals_label_sets_only():
    """A mapping that looks like one is none: it cannot be a key."""
    assert Labels({"a": "1"}) != {"a": "1"}


def test_an_empty_value_is_no_label():
    """A label without a value is the same as no label."""
    labels = Labels({"job": "chat", "zone": ""})

    assert labels == Labels({"job": "chat"})
    assert "zone" not in labels
    with pytest.raises(KeyError):
        labels["zone"]


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        pytest.param({"__name__": "up"}, "up", id="a name alone has no braces"),
        pytest.param({"__name__": "up", "job": "a"}, 'up{job="a"}', id="name and label"),
        pytest.param({"job": "a", "zone": "b"}, '{job="a", zone="b"}', id="no name"),
        pytest.param({}, "{}", id="empty"),
        pytest.param({"__name__": "a.b"}, '{__name__="a.b"}', id="a name that needs quotes"),
        pytest.param({"a.b": "x"}, '{"a.b"="x"}', id="a label name that needs quotes"),
        pytest.param({"a": 'q"\\\n'}, '{a="q\\"\\\\\\n"}', id="escapes"),
    ],
)
def test_labels_print_as_promql(pairs, text):
    """A label set prints as the selector that selects it."""
    assert str(Labels(pairs)) == text


def test_parts_of_a_label_set():
    """Labels are kept, dropped and replaced by name."""
    labels = Labels({"__name__": "up", "job": "chat", "zone": "a"})

    assert labels.without_name() == Labels({"job": "chat", "zone": "a"})
    assert labels.without(["zone", "absent"]) == Labels({"__name__": "up", "job": "chat"})
    assert labels.only(["zone", "absent"]) == Labels({"zone": "a"})
    assert labels.updated({"zone": "", "job": "b"}) == Labels({"__name__": "up", "job": "b"})


def test_a_quoted_value_escapes_what_would_end_it():
    """Backslash, quote and newline are escaped, nothing else."""
    assert quote_value('a\\b"c\nd\te') == '"a\\\\b\\"c\\nd\te"'
