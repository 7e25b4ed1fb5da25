"""Where Alertmanagers are, from what discovery says."""

from __future__ import annotations

import pytest

from sakshi.alerting.alertmanager import AlertmanagerConfig, resolve_alertmanagers
from sakshi.scrape import RelabelAction, RelabelRule, StaticTargets


@pytest.mark.parametrize(
    ("config", "labels", "url"),
    [
        pytest.param(AlertmanagerConfig(), {}, "http://am:9093/api/v2/alerts", id="default"),
        pytest.param(
            AlertmanagerConfig("https", "am/"), {}, "https://am:9093/am/api/v2/alerts", id="prefix"
        ),
        pytest.param(
            AlertmanagerConfig(path_prefix="//a/../b c"),
            {},
            "http://am:9093/b%20c/api/v2/alerts",
            id="a prefix to be cleaned",
        ),
        pytest.param(
            AlertmanagerConfig(),
            {"__scheme__": "https", "__alerts_path__": "push"},
            "https://am:9093/push",
            id="the group's labels win",
        ),
        pytest.param(
            AlertmanagerConfig(
                relabel_rules=[RelabelRule(replacement="other:1", target_label="__address__")]
            ),
            {},
            "http://other:1/api/v2/alerts",
            id="relabelled",
        ),
    ],
)
def test_the_address_is_made_of_labels(
    config: AlertmanagerConfig, labels: dict[str, str], url: str
) -> None:
    """As Prometheus makes it; one that is there twice is told once."""
    groups = [StaticTargets(["am:9093", "am:9093"], labels)]

    assert resolve_alertmanagers(config, groups).active == [url]


def test_what_relabelling_drops_is_shown_as_it_would_have_been() -> None:
    """By its labels before."""
    rule = RelabelRule(RelabelAction.DROP, ["zone"], regex="far")
    groups = [StaticTargets(["a:1", "b:1"], {"zone": "far"}), StaticTargets(["c:1"])]

    found = resolve_alertmanagers(AlertmanagerConfig(relabel_rules=[rule]), groups)

    assert found.active == ["http://c:1/api/v2/alerts"]
    assert found.dropped == ["http://a:1/api/v2/alerts", "http://b:1/api/v2/alerts"]


@pytest.mark.parametrize(
    ("address", "labels", "problem"),
    [
        pytest.param(
            "http://am:9093",
            {},
            'http://am:9093: expected an address like host:port, found "http://am:9093"',
            id="a URL",
        ),
        pytest.param(
            "me:geheim@am:9093",
            {},
            '<secret>@am:9093: expected an address like host:port, found "<secret>@am:9093"',
            id="a password",
        ),
        pytest.param(
            "am:9093",
            {"__scheme__": "ftp"},
            'am:9093: expected a __scheme__, one of http, https, found "ftp"',
            id="a scheme",
        ),
    ],
)
def test_what_is_no_address_is_left_out(address: str, labels: dict[str, str], problem: str) -> None:
    """With words that say why; the others stay."""
    groups = [StaticTargets([address], labels), StaticTargets(["am:1"])]

    found = resolve_alertmanagers(AlertmanagerConfig(), groups)

    assert list(map(str, found.problems)) == [problem]
    assert found.active == ["http://am:1/api/v2/alerts"]
