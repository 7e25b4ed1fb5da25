from __future__ import annotations

from pathlib import Path

import pytest

from sakshi.config.pattern import find_files, is_pattern


def test_files_are_found_below_the_folder_sorted(tmp_path: Path) -> None:
    """A relative pattern is relative to the configuration, wherever sakshi was started."""
    (tmp_path / "rules" / "deep").mkdir(parents=True)
    for name in ("rules/b.yml", "rules/a.yml", "rules/c.txt", "rules/deep/d.yml"):
        (tmp_path / name).write_text("")

    def names(pattern: str) -> list[str]:
        return [str(path.relative_to(tmp_path)) for path in find_files(tmp_path, pattern)]

    assert names("rules/*.yml") == ["rules/a.yml", "rules/b.yml"]
    assert names("rules/**/*.yml") == ["rules/a.yml", "rules/b.yml", "rules/deep/d.yml"]
    assert names("rules/a.yml") == ["rules/a.yml"]
    assert names(str(tmp_path / "rules" / "[ab].yml")) == ["rules/a.yml", "rules/b.yml"]
    assert names("missing.yml") == []


@pytest.mark.parametrize(
    ("text", "expected"), [("a.yml", False), ("*.yml", True), ("a?.yml", True), ("[ab]", True)]
)
def test_a_pattern_may_match_nothing(text: str, expected: bool) -> None:
    """Only a path without wildcards must exist."""
    assert is_pattern(text) is expected
