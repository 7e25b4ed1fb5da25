from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from tests.kpi.indicator import NOW_MS, make_recorded

from sakshi.kpi import (
    Baseline,
    BaselineExistsError,
    BaselineFileError,
    BaselineFolder,
    BaselineNameError,
    Origin,
    TooManyBaselinesError,
    UnknownBaselineError,
)

CONFIGURED = Baseline("pre", "Before", Origin.CONFIGURATION, values={"g.i": 1.0})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder that does not exist yet."""
    return tmp_path / "data" / "baselines"


@pytest.fixture
def folder(path: Path) -> BaselineFolder:
    return BaselineFolder(path, [CONFIGURED])


def list_files(path: Path) -> list[str]:
    return sorted(file.name for file in path.iterdir())


def test_a_folder_that_is_not_there_has_the_configurations(
    folder: BaselineFolder, path: Path
) -> None:
    """Reading makes nothing."""
    assert folder.read_all() == ([CONFIGURED], [])
    assert folder.get("pre") == CONFIGURED
    assert not path.exists()


def test_what_is_recorded_is_read_back(folder: BaselineFolder, path: Path) -> None:
    """By another process too: value for value."""
    baseline = make_recorded(
        "before-2.0",
        {"g.i": 0.1 + 0.2, "g.j": -1e300},
        recorded_at_ms=NOW_MS + 123,
        over_ms=5_400_001,
        observations={"g.i": 51840.5},
        title='Größer, "schneller"',
    )

    folder.record(baseline)

    assert BaselineFolder(path).get("before-2.0") == baseline
    assert folder.read_all() == ([CONFIGURED, baseline], [])


def test_a_file_can_be_read_by_people(folder: BaselineFolder, path: Path) -> None:
    """A key a line; moments and durations as people write them; nothing else lies beside it."""
    folder.record(make_recorded(observations={"g.i": 5.0}))

    assert (path / "before.json").read_text() == (
        "{\n"
        '  "name": "before",\n'
        '  "title": "Before",\n'
        '  "recorded_at": "2023-11-14T22:13:20.000Z",\n'
        '  "over": "1h",\n'
        '  "values": {\n    "g.i": 1800.0\n  },\n'
        '  "observations": {\n    "g.i": 5.0\n  }\n'
        "}\n"
    )
    assert list_files(path) == ["before.json"]


def test_the_newest_comes_first(folder: BaselineFolder) -> None:
    """Behind those of the configuration; of two of one moment, by name."""
    for name, age_ms in (("old", 2), ("b", 1), ("a", 1)):
        folder.record(make_recorded(name, recorded_at_ms=NOW_MS - age_ms))

    assert [baseline.name for baseline in folder.read_all()[0]] == ["pre", "a", "b", "old"]


def test_a_name_is_taken_once(folder: BaselineFolder) -> None:
    """Replacing must be said; what was there stays otherwise."""
    first, second = make_recorded(), make_recorded(values={"g.i": 2.0})
    folder.record(first)

    with pytest.raises(BaselineExistsError) as caught:
        folder.record(second)

    assert str(caught.value) == "there is a baseline before already: replace it, or delete it"
    assert folder.get("before") == first
    folder.record(second, replace=True)
    assert folder.get("before") == second


@pytest.mark.parametrize("is_replaced", [False, True])
def test_the_configurations_names_are_its_own(folder: BaselineFolder, is_replaced: bool) -> None:
    """They can be neither overwritten nor deleted."""
    with pytest.raises(BaselineExistsError) as caught:
        folder.record(make_recorded("pre"), replace=is_replaced)
    assert str(caught.value) == "pre is a baseline of the configuration: change it there"
    with pytest.raises(BaselineExistsError) as caught:
        folder.delete("pre")
    assert str(caught.value) == "pre is a baseline of the configuration: remove it there"
    assert folder.read_all() == ([CONFIGURED], [])


def test_a_recorded_one_that_the_configuration_hides_is_named(
    folder: BaselineFolder, path: Path
) -> None:
    """The configuration's counts."""
    BaselineFolder(path).record(make_recorded("pre"))

    assert folder.read_all() == (
        [CONFIGURED],
        ["baselines/pre.json: the configuration has a baseline of this name"],
    )
    assert folder.get("pre") == CONFIGURED


def test_what_is_deleted_is_gone(folder: BaselineFolder, path: Path) -> None:
    """Its file too; a second time there is nothing to delete."""
    folder.record(make_recorded())

    folder.delete("before")

    assert list_files(path) == []
    with pytest.raises(UnknownBaselineError) as caught:
        folder.delete("before")
    assert str(caught.value) == 'there is no baseline "before"'


@pytest.mark.parametrize(
    "name", ["../secret", "..", ".", "", "a/b", "/etc/passwd", "x" * 65, "a\0"]
)
def test_a_name_that_is_none_touches_no_file(folder: BaselineFolder, path: Path, name: str) -> None:
    """It is not known; and it cannot be recorded."""
    folder.record(make_recorded())
    (path.parent / "secret.json").write_text("{}")

    with pytest.raises(UnknownBaselineError):
        folder.get(name)
    with pytest.raises(UnknownBaselineError):
        folder.delete(name)
    with pytest.raises(BaselineNameError):
        folder.record(make_recorded(name))
    assert (path.parent / "secret.json").exists()
    assert list_files(path) == ["before.json"]


def test_there_is_a_bound(path: Path) -> None:
    """One that is there already may still be replaced, or make room."""
    folder = BaselineFolder(path, [CONFIGURED], recorded_max=2)
    for name in ("a", "b"):
        folder.record(make_recorded(name))

    with pytest.raises(TooManyBaselinesError) as caught:
        folder.record(make_recorded("c"))

    assert str(caught.value) == "2 baselines are recorded already: delete one first"
    folder.record(make_recorded("a"), replace=True)
    folder.delete("b")
    folder.record(make_recorded("c"))


def valid() -> dict[str, object]:
    return {
        "name": "bad",
        "title": "",
        "recorded_at": "2023-11-14T22:13:20Z",
        "over": "1h",
        "values": {"g.i": 1},
        "observations": {},
    }


def changed(**keys: object) -> str:
    return json.dumps({**valid(), **keys})


KEYS = "name, title, recorded_at, over, values, observations"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param("", "expected JSON: Expecting value: line 1 column 1 (char 0)", id="empty"),
        pytest.param("[]", f"expected an object of {KEYS}, found something else", id="a list"),
        pytest.param("{}", f"expected an object of {KEYS}, found nothing", id="no key"),
        pytest.param('{"name": "bad"}', f"expected an object of {KEYS}, found name", id="few keys"),
        pytest.param(
            changed(extra=1),
            f"expected an object of {KEYS}, found {KEYS}, extra",
            id="an unknown key",
        ),
        pytest.param(
            changed(name="good"),
            'name: expected the file\'s own, "bad", found "good"',
            id="another name",
        ),
        pytest.param(changed(title=5), "title: expected a text, found 5", id="a title"),
        pytest.param(
            changed(recorded_at="yesterday"),
            'recorded_at: expected a moment like "2023-11-14T22:13:20.123Z", found "yesterday"',
            id="a moment",
        ),
        pytest.param(
            changed(recorded_at="2023-11-14T22:13:20"),
            'recorded_at: expected a moment like "2023-11-14T22:13:20.123Z", '
            'found "2023-11-14T22:13:20"',
            id="a moment of no time zone",
        ),
        pytest.param(
            changed(over="0"), 'over: expected a duration like "24h" above 0, found "0"', id="0"
        ),
        pytest.param(
            changed(over="1 h"),
            'over: expected a duration like "24h" above 0, found "1 h"',
            id="a duration",
        ),
        pytest.param(
            changed(values=[1]), "values: expected numbers by indicator, found [1]", id="values"
        ),
        pytest.param(
            changed(values={"g.i": "1"}),
            'values.g.i: expected a finite number, found "1"',
            id="a text",
        ),
        pytest.param(
            changed(values={"g.i": True}),
            "values.g.i: expected a finite number, found true",
            id="a truth",
        ),
        pytest.param(
            changed(values={"g.i": None}),
            "values.g.i: expected a finite number, found null",
            id="null",
        ),
        pytest.param(
            changed(observations={"g.i": float("nan")}),
            "observations.g.i: expected a finite number, found NaN",
            id="NaN",
        ),
        pytest.param(
            changed(values={"g.i": 10**400}),
            f"values.g.i: expected a finite number, found 1{'0' * 59}...",
            id="a number too large",
        ),
        pytest.param("[" * 100_000, "expected JSON, found too many levels of it", id="too deep"),
        *(
            pytest.param(text, "expected text, found half of a surrogate pair", id=f"half {id}")
            for text, id in (
                (changed(title="\ud800"), "a character"),
                (changed(recorded_at="\udfff"), "a character in a moment"),
                (changed(values={"\ud800": 1}), "a character in a name"),
                ('{"\\ud800": 1}', "a character in a key"),
            )
        ),
        pytest.param(" " * 5_000_000, "expected at most 4 MiB, found more", id="too large"),
        pytest.param("\udcff", "expected text in UTF-8", id="bytes"),
    ],
)
def test_a_damaged_file_is_named_and_hides_no_other(
    content: str, fault: str, folder: BaselineFolder, path: Path
) -> None:
    """Neither in the list nor when others are asked for; it can be deleted."""
    good = make_recorded("good")
    folder.record(good)
    (path / "bad.json").write_bytes(content.encode(errors="surrogateescape"))

    assert folder.read_all() == ([CONFIGURED, good], [f"baselines/bad.json: {fault}"])
    assert folder.get("good") == good
    with pytest.raises(BaselineFileError) as caught:
        folder.get("bad")
    assert str(caught.value) == f"baselines/bad.json: {fault}"
    folder.delete("bad")
    assert folder.read_all() == ([CONFIGURED, good], [])


def test_files_of_others_are_left_alone(folder: BaselineFolder, path: Path) -> None:
    """A file that was being written when the power failed, a note, a backup."""
    folder.record(make_recorded())
    for name in (".before.json", "README.md", "before.json~", "a b.json"):
        (path / name).write_text("x")

    assert [baseline.name for baseline in folder.read_all()[0]] == ["pre", "before"]
    assert folder.read_all()[1] == []
    folder.record(make_recorded("other"))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """The system's reason beside it; nothing is recorded."""
    (tmp_path / "baselines").write_text("a file")
    folder = BaselineFolder(tmp_path / "baselines")

    with pytest.raises(BaselineFileError) as caught:
        folder.record(make_recorded())

    assert str(caught.value).endswith("baselines: Not a directory")


def test_what_could_not_be_written_leaves_nothing_behind(
    folder: BaselineFolder, path: Path
) -> None:
    """Where the disk is full, half a file would only take more of it."""
    folder.record(make_recorded("other"))
    (path / "before.json").mkdir()

    with pytest.raises(BaselineFileError) as caught:
        folder.record(make_recorded(), replace=True)

    assert str(caught.value) == "baselines/before.json: Is a directory"
    assert list_files(path) == ["before.json", "other.json"]


def test_without_a_folder_nothing_can_be_recorded() -> None:
    """And nothing is there."""
    folder = BaselineFolder()

    assert folder.read_all() == ([], [])
    with pytest.raises(UnknownBaselineError):
        folder.get("before")
    with pytest.raises(UnknownBaselineError):
        folder.delete("before")
    with pytest.raises(BaselineFileError) as caught:
        folder.record(make_recorded())
    assert str(caught.value) == "there is no folder in which baselines are recorded"


def test_many_threads_record_and_read(path: Path) -> None:
    """One of several that record a name wins, the bound holds, and nobody reads half a file."""
    folder = BaselineFolder(path, recorded_max=8)
    many = {f"g.{index}": float(index) for index in range(500)}

    def work(index: int) -> str:
        try:
            folder.record(make_recorded(f"b{index % 10}", many, over_ms=1000 + index))
        except (BaselineExistsError, TooManyBaselinesError) as error:
            return type(error).__name__
        assert folder.read_all()[1] == []
        return ""

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(work, range(40)))

    assert outcomes.count("") == 8
    found, faults = folder.read_all()
    assert (len(found), faults) == (8, [])
    assert all(replace(one, values={}) != one and one.values == many for one in found)
