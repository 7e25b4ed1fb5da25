from __future__ import annotations

from typing import Any

import pytest

from sakshi.scrape import ScrapeConfig, StaticTargets
from sakshi.scrape.errors import InvalidTargetError
from sakshi.scrape.resolve import resolve_targets


def config_of(*addresses: str, labels: dict[str, str] | None = None, **keys: Any) -> ScrapeConfig:
    static = [StaticTargets(addresses, labels or {})]
    return ScrapeConfig("chat", 15_000, 10_000, static_targets=static, **keys)


def test_resolve_gives_job_instance_and_configured_labels() -> None:
    """A target carries its job, its address as instance, and what is configured."""
    [target] = resolve_targets(config_of("chat:5000", labels={"zone": "a"}))

    assert dict(target.labels) == {"instance": "chat:5000", "job": "chat", "zone": "a"}
    assert dict(target.discovered_labels) == {
        "__address__": "chat:5000",
        "__metrics_path__": "/metrics",
        "__scheme__": "http",
        "__scrape_interval__": "15s",
        "__scrape_timeout__": "10s",
        "job": "chat",
        "zone": "a",
    }


def test_resolve_lets_configured_labels_win() -> None:
    """Labels of a static group replace job and instance, and steer the scrape."""
    labels = {
        "job": "edge",
        "instance": "a",
        "__scheme__": "https",
        "__metrics_path__": "/m",
        "__param_module": "v2",
    }
    [target] = resolve_targets(
        config_of("chat", labels=labels, params={"module": ["v1", "x"], "q": ["a b&"], "none": []})
    )

    assert dict(target.labels) == {"instance": "a", "job": "edge"}
    assert target.url == "https://chat/m?module=v2&module=x&q=a+b%26"


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("localhost:5000", "http://localhost:5000/metrics"),
        ("chat.example", "http://chat.example/metrics"),
        ("[::1]:9100", "http://[::1]:9100/metrics"),
        ("10.0.0.1:80", "http://10.0.0.1:80/metrics"),
    ],
)
def test_resolve_makes_a_url(address: str, url: str) -> None:
    """Host, port and IPv6 addresses stand in the URL as they were configured."""
    assert resolve_targets(config_of(address))[0].url == url


def test_resolve_escapes_the_path() -> None:
    """A path cannot break out of the request line."""
    [target] = resolve_targets(config_of("chat", metrics_path="/a b\r\nHost: x/ü%20?c"))

    assert target.url == "http://chat/a%20b%0D%0AHost:%20x/%C3%BC%20?c"


@pytest.mark.parametrize(
    "address",
    [
        *("", ":80", "http://chat", "chat/metrics", "chat:port", "chat:99999", "chat:0", "a b"),
        *("a\r\nb", "user@chat", "chat?x", "chat#x", "ü:80", "[::1", "::1]:80"),
    ],
)
def test_resolve_refuses_what_is_no_address(address: str) -> None:
    """An address is host and port, and nothing that would lead elsewhere."""
    with pytest.raises(InvalidTargetError) as caught:
        resolve_targets(config_of(address))

    assert str(caught.value) == (
        f"scrape_configs[chat].static_configs.targets: expected an address like host:port, "
        f'found "{address.replace("user@", "<secret>@")}"'
    )


def test_resolve_drops_exact_repetitions() -> None:
    """The same address with the same labels is one target."""
    assert len(resolve_targets(config_of("a:1", "b:1", "a:1"))) == 2
