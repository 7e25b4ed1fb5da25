from __future__ import annotations

import pytest

from sakshi.kpi import BaselineNameError, check_name, fill_over


@pytest.mark.parametrize("name", ["a", "9", "preEnhancement", "before-2.0_rc.1", "a" * 64, "a..b"])
def test_a_name_is_safe_as_a_files(name: str) -> None:
    """Letters, digits and . _ -, a letter or digit first, up to 64."""
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".a",
        "-a",
        "_a",
        "a/b",
        "a\\b",
        "a b",
        "a\n",
        "a" * 65,
        "ä",
        "a:b",
        "a\0",
        "٣",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    """Nothing that is a path, an option, hidden, or looks different from what it is."""
    with pytest.raises(BaselineNameError) as caught:
        check_name(name)

    assert str(caught.value) == (
        "expected a name of up to 64 letters, digits and . _ -, a letter or digit first, "
        f'found "{name}"'
    )


def test_the_period_is_filled_in_everywhere() -> None:
    """As Prometheus writes durations."""
    assert fill_over("x[$over] + max_over_time(y[$over:1m])", 5_400_000) == (
        "x[1h30m] + max_over_time(y[1h30m:1m])"
    )
