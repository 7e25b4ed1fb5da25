from __future__ import annotations

from pathlib import Path

import pytest
from tests.promql.script import Case, check, iter_cases

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.test"))


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{path.name}:{case.evaluation.line}")
        for path in SCRIPTS
        for case in iter_cases(path)
    ],
)
def test_query_answers_as_its_script_says(case: Case) -> None:
    """The scripts are the specification: each states samples, a query, and its whole answer."""
    check(case)
