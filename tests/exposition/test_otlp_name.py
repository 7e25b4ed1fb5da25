from __future__ import annotations

import pytest

from sakshi.exposition.otlp_name import translate_label, translate_name


@pytest.mark.parametrize(
    ("name", "unit", "translated"),
    [
        ("chat.load", "", "chat_load"),
        ("chat.load", "1", "chat_load"),
        ("http.duration", "s", "http_duration_seconds"),
        ("http.duration.seconds", "s", "http_duration_seconds"),
        ("memory", "By", "memory_bytes"),
        ("memory", "GiBy", "memory_gibibytes"),
        ("traffic", "By/s", "traffic_bytes_per_second"),
        ("speed", "m/s", "speed_meters_per_second"),
        ("rate", "1/s", "rate_per_second"),
        ("rate", "{message}/min", "rate_per_min"),
        ("messages", "{message}", "messages"),
        ("share", "%", "share_percent"),
        ("odd", "foo-bar", "odd_foo_bar"),
        ("1st..thing-", "s", "_1st_thing_seconds"),
        ("with:colon", "", "with:colon"),
    ],
)
def test_names_end_with_their_unit(name: str, unit: str, translated: str) -> None:
    """Whatever separates words becomes one underscore."""
    assert translate_name(name, unit) == translated


def test_counters_end_with_total_and_gauges_of_one_with_ratio() -> None:
    """A word that stands elsewhere moves to the end."""
    assert translate_name("total.requests", "s", is_counter=True) == "requests_seconds_total"
    assert translate_name("ratio.hit", "1", is_gauge=True) == "hit_ratio"
    assert translate_name("hit", "1", is_counter=True) == "hit_total"


@pytest.mark.parametrize(
    ("name", "translated"),
    [
        ("http.status_code", "http_status_code"),
        ("2xx", "key_2xx"),
        ("_private", "key_private"),
        ("__kept", "__kept"),
        ("\u00fcber", "key_ber"),
        ("a..b", "a__b"),
    ],
)
def test_labels_are_classic_names(name: str, translated: str) -> None:
    """Each other character becomes an underscore; a name begins with a letter, or with two."""
    assert translate_label(name) == translated
