from __future__ import annotations

import pytest
from tests.rules.station import alerting, group, recording

from sakshi.rules.feed import Feed, FeedFinder


@pytest.mark.parametrize(
    ("queries", "feed"),
    [
        pytest.param(["pushed"], Feed.ALL, id="one metric"),
        pytest.param(["rate(pushed[5m]) / other"], Feed.ALL, id="two of them"),
        pytest.param(['{"pushed", job="a"}'], Feed.ALL, id="the name in braces"),
        pytest.param(['{__name__=~"push.*"}'], Feed.ALL, id="a pattern that one of them meets"),
        pytest.param(["pushed", "scraped"], Feed.SOME, id="another rule reads what is scraped"),
        pytest.param(["pushed / scraped"], Feed.SOME, id="both in one query"),
        pytest.param(['pushed or {job="a"}'], Feed.SOME, id="a selector without a name"),
        pytest.param(["scraped"], Feed.NOTHING, id="what is scraped"),
        pytest.param(['{job="a"}'], Feed.NOTHING, id="anything"),
        pytest.param(['{__name__=~"scr.*"}'], Feed.NOTHING, id="a pattern that none meets"),
        pytest.param(["vector(1)"], Feed.NOTHING, id="nothing at all"),
    ],
)
def test_a_group_is_fed_by_what_it_reads(queries: list[str], feed: Feed) -> None:
    """Every selector with a name counts."""
    finder = FeedFinder([group(*(alerting("A", query) for query in queries))])

    assert finder.find({"pushed", "other"}) == {"rules.yml;group": feed}


def test_what_a_group_records_itself_is_no_question() -> None:
    """A group that records and then judges what it recorded reads what the recording reads."""
    own = group(recording("y", "sum(x)"), alerting("A", "y > 1"))
    finder = FeedFinder([own])

    assert finder.find({"x"}) == {own.id: Feed.ALL}
    assert finder.find(set()) == {own.id: Feed.NOTHING}


def test_groups_behind_are_fed_by_what_is_recorded() -> None:
    """Only what comes from pushed samples alone passes on."""
    records = group(recording("y", "x"), name="records")
    mixes = group(recording("z", "x + scraped"), name="mixes")
    reads_y = group(alerting("Y", "y > 1"), name="reads y")
    reads_z = group(alerting("Z", "z > 1"), name="reads z")

    feeds = FeedFinder([records, mixes, reads_y, reads_z]).find({"x"})

    assert list(feeds.values()) == [Feed.ALL, Feed.SOME, Feed.ALL, Feed.NOTHING]
