"""Any file of any shape is read or refused: examples, with random parts of them replaced."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from sakshi.config import Document
from sakshi.config.configuration import read_document
from sakshi.config.rule_file import read_groups
from sakshi.model.errors import BadInputError, Problem

EXAMPLES = Path(__file__).parents[2] / "examples"
ROUNDS = 100
VALUES: list[Any] = [
    None,
    "",
    "x",
    "-1",
    0,
    3.5,
    True,
    [],
    {},
    [None],
    [[]],
    {"x": None},
    {"a b": {"c": []}},
    "5m",
    "0s",
    "${UNSET}",
    "{{",
    "(",
    "a@b",
    "localhost:",
    "localhost:99999",
    "https://[",
    "\x1f\ufffe",
    "9" * 400,
    "...",
]


def load(name: str) -> Any:
    return yaml.load((EXAMPLES / name).read_text(), Loader=yaml.CSafeLoader)


def mutate(content: Any, chooser: random.Random) -> Any:
    """Return a copy in which up to three nodes are replaced, removed or renamed."""
    content = copy.deepcopy(content)
    for _ in range(chooser.randint(1, 3)):
        parents = list(iter_parents(content))
        parent = chooser.choice(parents)
        key = chooser.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
        kind = chooser.random()
        if kind < 0.2:
            del parent[key]
        elif kind < 0.3 and isinstance(parent, dict):
            parent[f"{key}x"] = parent.pop(key)
        else:
            parent[key] = copy.deepcopy(chooser.choice(VALUES))  # what was put in may be changed
        if not list(iter_parents(content)):
            break
    return content


def iter_parents(node: Any) -> Any:
    if isinstance(node, dict | list) and node:
        yield node
        for child in node.values() if isinstance(node, dict) else node:
            yield from iter_parents(child)


def check(read: Any, content: Any, seed: int) -> None:
    """Read what was made of an example; whatever is said of it has its place, and is said once."""
    text = yaml.dump(content, Dumper=yaml.CSafeDumper, allow_unicode=True)
    said = [str(problem) for problem in find_problems(read, text)]

    assert [line for line in said if not re.match(r"x\.yml:\d+:\d+", line)] == [], seed
    assert len(set(said)) == len(said), f"seed {seed}:\n{text}"


def find_problems(read: Any, text: str) -> Sequence[Problem]:
    try:
        read(Document.parse("x.yml", text.encode(), {}))
    except BadInputError as error:
        return error.problems
    return ()


@pytest.mark.slow
def test_a_configuration_is_read_or_refused(tmp_path: Path) -> None:
    """Nothing but a BadInputError ever comes out, and each problem once, with its place."""
    seed = random.SystemRandom().randrange(1 << 32)
    content = {**load("sakshi.yml"), "notifications": load("notifications.yml"), "rule_files": []}
    content["web"] = {"allowed_hosts": ["a"]}
    content["scrape_configs"][0]["params"] = {"a": ["b"]}
    content["global"]["external_labels"] = {"a": "b"}
    chooser = random.Random(seed)

    for _ in range(ROUNDS):
        check(lambda document: read_document(document, tmp_path), mutate(content, chooser), seed)


def test_a_rule_file_is_read_or_refused() -> None:
    """The same for rules."""
    seed = random.SystemRandom().randrange(1 << 32)
    content = load("recording-rules.yml")
    content["groups"] = content["groups"][:2] + load("alert-rules.yml")["groups"]
    chooser = random.Random(seed)

    def read(document: Document) -> None:
        read_groups(document.root(), "x.yml", 60_000)
        document.raise_problems()

    for _ in range(ROUNDS):
        check(read, mutate(content, chooser), seed)
