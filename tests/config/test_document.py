from __future__ import annotations

from pathlib import Path

import pytest

from sakshi.config import Document
from sakshi.config.document import FILE_BYTES_MAX
from sakshi.config.node import ScalarNode
from sakshi.model.errors import BadInputError, Problem


def complaint(path: Path) -> str:
    with pytest.raises(BadInputError) as caught:
        Document.read(path, {})
    [problem] = caught.value.problems
    return str(problem).replace(str(path), "FILE")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The complaint is one line, with the path as it was asked for."""
    path = tmp_path / "missing.yml"

    assert complaint(path) == "FILE: expected a file that can be read, found no such file"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """What is found in place of a file is named."""
    assert complaint(tmp_path) == "FILE: expected a file that can be read, found a folder"


def test_a_path_through_a_file_is_no_file(tmp_path: Path) -> None:
    """Where the reason has no word of ours, it is the system's."""
    (tmp_path / "a").write_text("")

    found = complaint(tmp_path / "a" / "b.yml")

    assert found == 'FILE: expected a file that can be read, found "Not a directory"'


def test_a_huge_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    """A log that was named by mistake is not read to its end."""
    path = tmp_path / "huge.yml"
    with path.open("wb") as stream:
        stream.truncate(FILE_BYTES_MAX + 1)

    assert complaint(path) == "FILE: expected at most 16 MiB, found more"


def test_a_file_is_text_in_utf_8(tmp_path: Path) -> None:
    """The line of the first byte that is not is named."""
    path = tmp_path / "latin.yml"
    path.write_bytes(b"a: 1\nb: caf\xe9\n")

    assert complaint(path) == "FILE:2: expected text in UTF-8, found the byte 0xe9"


def test_a_file_is_yaml(tmp_path: Path) -> None:
    """What is not has its place in the file."""
    path = tmp_path / "wrong.yml"
    path.write_text("a: [1")

    assert complaint(path) == (
        "FILE:2:1: expected YAML, found an error while parsing a flow sequence: "
        "did not find expected ',' or ']'"
    )


@pytest.mark.parametrize("content", [b"", b"# empty\n", b"---\n", b"\xef\xbb\xbf", b"null\n"])
def test_an_empty_file_is_an_empty_mapping(content: bytes) -> None:
    """With or without a byte order mark, nothing is read from it, and nothing is wrong."""
    document = Document.parse("x.yml", content, {})
    root = document.root()
    root.close()

    assert root.keys() == []
    assert document.problems == []


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    """Windows' editors write one."""
    document = Document.parse("x.yml", b"\xef\xbb\xbfa: b\r\n", {})

    assert document.root().text("a") == "b"


def test_what_is_found_in_other_files_follows(tmp_path: Path) -> None:
    """A file's own findings come first, then those of the files that it names, one by one."""
    first, second = (Document(f"{name}.yml", {}, None) for name in "ab")
    second.note(ScalarNode(1, 1, ""), "k", "e", "f")
    second.warn(ScalarNode(1, 1, ""), "k", "of b")
    first.include(second)
    first.include(BadInputError(Problem("c.yml", "a file that can be read", "no such file")))
    first.note(ScalarNode(9, 1, ""), "k", "e", "f")
    first.warn(ScalarNode(9, 1, ""), "", "of a")

    with pytest.raises(BadInputError) as caught:
        first.raise_problems()

    assert [problem.place for problem in caught.value.problems] == [
        "a.yml:9:1: k",
        "b.yml:1:1: k",
        "c.yml",
    ]
    assert first.warnings == ["a.yml:9:1: of a", "b.yml:1:1: k: of b"]


def test_nothing_wrong_raises_nothing() -> None:
    """Warnings stop nothing."""
    document = Document("a.yml", {}, None)
    document.warn(ScalarNode(1, 1, ""), "k", "careful")

    document.raise_problems()


def test_what_lies_below_a_problem_is_wrong() -> None:
    """Above it, something is; beside it, nothing."""
    document = Document("a.yml", {}, None)
    document.note(ScalarNode(1, 1, ""), "a[0].b", "e", "f")

    assert document.is_wrong("a[0].b")
    assert document.is_wrong("a[0].b[3].c")
    assert not document.is_wrong("a[0]")
    assert not document.is_wrong("a[0].bc")
    assert document.has_problems_at("a")
    assert document.has_problems_at("a[0]")
    assert not document.has_problems_at("a[1]")
