"""Complaints about bad input."""

from __future__ import annotations

from sakshi.model.errors import BadInputError, Problem


def test_a_complaint_says_place_expectation_and_finding():
    """Every problem is one line; an error carries all of them."""
    error = BadInputError(
        Problem("sakshi.yml:3:5: global.scrape_interval", "a duration", '"5 m"'),
        Problem("sakshi.yml:9:1", "one of global, kpis", 'the unknown key "kpi"'),
    )

    assert str(error).splitlines() == [
        'sakshi.yml:3:5: global.scrape_interval: expected a duration, found "5 m"',
        'sakshi.yml:9:1: expected one of global, kpis, found the unknown key "kpi"',
    ]
