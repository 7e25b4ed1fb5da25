from __future__ import annotations

from pathlib import Path

import pytest

from sakshi.config import CheckReport, check_file
from sakshi.model.errors import BadInputError

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("name", "summary"),
    [
        ("alert-rules.yml", "rules: 2 groups, 6 rules"),
        ("recording-rules.yml", "rules: 6 groups, 24 rules"),
        ("notifications.yml", "notifications: 3 receivers"),
        ("sakshi.yml", "configuration: 1 job, 1 target, 30 rules, 22 KPIs, 3 receivers"),
    ],
)
def test_a_file_is_checked_as_what_it_is(name: str, summary: str) -> None:
    """Its keys say which kind it is."""
    assert check_file(EXAMPLES / name, {}).summary == summary


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "groups: [{nme: g}]",
            'groups[0].nme: expected the key "name", found the unknown key "nme"',
        ),
        ("receivers: []", "route: expected the route of all alerts, found nothing"),
        ("globl: {}", 'globl: expected the key "global", found the unknown key "globl"'),
    ],
)
def test_what_is_wrong_is_found_in_any_kind(text: str, problem: str, tmp_path: Path) -> None:
    """Each kind has its own keys."""
    path = tmp_path / "x.yml"
    path.write_text(text)

    with pytest.raises(BadInputError) as caught:
        check_file(path, {})

    assert [str(found).split(": ", 1)[1] for found in caught.value.problems] == [problem]


def test_an_empty_file_is_a_configuration_of_nothing(tmp_path: Path) -> None:
    """It is fine, and says how little it holds."""
    path = tmp_path / "x.yml"
    path.write_text("")

    assert check_file(path, {}) == CheckReport(
        "configuration: 0 jobs, 0 targets, 0 rules, 0 KPIs, 0 receivers", []
    )
