# ruff: noqa: E501 - a message is asserted whole, on one line
from __future__ import annotations

import pytest
from tests.config.reading import find_problems, read_text

from sakshi.model.secret import Secret
from sakshi.remote_write import MetadataConfig, QueueConfig, RemoteWriteConfig
from sakshi.scrape import HttpConfig, RelabelAction, RelabelRule
from sakshi.scrape.credentials import Authorization

URL = "http://a.org/api/v1/write"


def test_defaults_are_those_of_prometheus() -> None:
    """An address is enough."""
    [remote] = read_text(f"remote_write: [{{url: '{URL}'}}]").remotes

    assert remote == RemoteWriteConfig(URL)
    assert remote.timeout_ms == 30_000
    assert remote.queue == QueueConfig(1, 50, 2000, 5000, 30, 5000, False, 0)
    assert remote.metadata == MetadataConfig(True, 60_000, 2000)
    assert remote.identity == URL


def test_every_key_is_read() -> None:
    """With Prometheus' meaning."""
    [remote] = read_text(
        """
        remote_write:
          - url: ${REMOTE}
            name: far
            remote_timeout: 10s
            headers: {X-Scope-OrgID: team}
            bearer_token: b
            write_relabel_configs: [{action: drop, source_labels: [job], regex: a}]
            queue_config: {min_shards: 2, max_shards: 3, max_samples_per_send: 4,
              batch_send_deadline: 5s, min_backoff: 6ms, max_backoff: 7ms, retry_on_http_429: true,
              sample_age_limit: 8s}
            metadata_config: {send: false, send_interval: 9s, max_samples_per_send: 10}
        """,
        {"REMOTE": URL},
    ).remotes

    assert remote == RemoteWriteConfig(
        URL,
        "far",
        10_000,
        (("X-Scope-OrgID", "team"),),
        (RelabelRule(RelabelAction.DROP, ("job",), regex="a"),),
        QueueConfig(2, 3, 4, 5000, 6, 7, True, 8000),
        MetadataConfig(False, 9000, 10),
        HttpConfig(Authorization("Bearer", Secret("b"))),
    )
    assert remote.identity == "far"


def test_late_samples_are_kept_for_remotes_only() -> None:
    """Whoever passes nothing on pays nothing for it."""
    assert read_text(f"remote_write: [{{url: '{URL}'}}]").storage.keeps_late
    assert not read_text("remote_write: []").storage.keeps_late


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            "{name: a}",
            "x.yml:1:16: remote_write[0].url: expected a text, found nothing",
        ),
        (
            "{url: a.org}",
            "x.yml:1:22: remote_write[0].url: expected an address like https://example.org/api/v1/write, found something else",
        ),
        (
            "{url: 'http://me:x@a.org'}",
            "x.yml:1:22: remote_write[0].url: expected an address without user and password: see basic_auth, found both",
        ),
        (
            "{url: '${NOWHERE}'}",
            "x.yml:1:22: remote_write[0].url: expected a variable that is set, found NOWHERE is not set",
        ),
        (
            "{url: 'http://a.org', headers: {User-Agent: b}}",
            'x.yml:1:60: remote_write[0].headers.User-Agent: expected a header that sakshi does not send itself, found "User-Agent"',
        ),
        (
            "{url: 'http://a.org', queue_config: {min_shards: 4, max_shards: 3}}",
            'x.yml:1:65: remote_write[0].queue_config.min_shards: expected at most the max_shards of 3, found "4"',
        ),
        (
            "{url: 'http://a.org', queue_config: {max_backoff: 29ms}}",
            'x.yml:1:66: remote_write[0].queue_config.max_backoff: expected at least the min_backoff of 30 ms, found "29ms"',
        ),
        (
            "{url: 'http://a.org', queue_config: {max_samples_per_send: 0}}",
            'x.yml:1:75: remote_write[0].queue_config.max_samples_per_send: expected a whole number of at least 1, found "0"',
        ),
        (
            "{url: 'http://a.org'}, {url: 'http://a.org'}",
            'x.yml:1:45: remote_write[1].url: expected a url that no other remote has, or names for both, found "http://a.org"',
        ),
        (
            "{url: 'http://a.org', name: a}, {url: 'http://b.org', name: a}",
            'x.yml:1:76: remote_write[1].name: expected a name that no other remote has, found "a"',
        ),
    ],
)
def test_what_is_wrong_is_named(entry: str, problem: str) -> None:
    """With its place, what would be right, and what stands there."""
    assert find_problems(f"remote_write: [{entry}]") == [problem]


@pytest.mark.parametrize(
    "entries",
    [
        "{url: 'http://a.org', queue_config: {min_shards: 3, max_shards: 3}}",
        "{url: 'http://a.org', queue_config: {max_backoff: 30ms}}",
        "{url: 'http://a.org'}, {url: 'http://a.org', name: b}",
        "{url: 'http://a.org/1'}, {url: 'http://a.org/2'}",
    ],
)
def test_the_nearest_right_values_are_taken(entries: str) -> None:
    """What is refused above is refused for what it is."""
    assert read_text(f"remote_write: [{entries}]").warnings == []


@pytest.mark.parametrize(
    ("key", "warning"),
    [
        ("send_exemplars: true", "not supported yet, no effect"),
        ("follow_redirects: true", "not supported yet, no effect: redirects are failures"),
        (
            "protobuf_message: io.prometheus.write.v2.Request",
            "not supported yet: prometheus.WriteRequest is sent",
        ),
        ("queue_config: {capacity: 1}", "no effect: the store is the queue"),
    ],
)
def test_what_has_no_effect_is_warned_of(key: str, warning: str) -> None:
    """It stops nothing."""
    [found] = read_text(f"remote_write: [{{url: 'http://a.org', {key}}}]").warnings

    assert found.endswith(f": {warning}")
