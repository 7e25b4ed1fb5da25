from __future__ import annotations

from pathlib import Path

import pytest
from tests.config.reading import take

from sakshi.alerting import Secret
from sakshi.config import Section
from sakshi.config.secret import SECRET_BYTES_MAX, is_url, read_secret, read_secret_url, read_url

CANARY = "canary-9f8e7d"


def read(
    text: str, folder: Path, environment: dict[str, str] | None = None
) -> tuple[object, list[str], dict[str, object]]:
    """Return the secret `key`, what is wrong with it, and why it is not there."""
    unset: dict[str, object] = {}

    def reader(root: Section) -> Secret | None:
        secret = read_secret(root, "key", folder)
        unset.update(root.unset)
        root.close()
        return secret

    value, problems, warnings = take(text, reader, environment)
    assert warnings == []
    return value, [problem.replace(str(folder), "FOLDER") for problem in problems], unset


def test_a_secret_stands_in_the_file_in_the_environment_or_in_another_file(tmp_path: Path) -> None:
    """The three ways give the same secret; a file's last newline is not part of it."""
    (tmp_path / "secret").write_text(f"{CANARY}\n")

    assert read(f"key: {CANARY}", tmp_path)[0] == Secret(CANARY)
    assert read("key: ${NAME}", tmp_path, {"NAME": CANARY})[0] == Secret(CANARY)
    assert read("key_file: secret", tmp_path)[0] == Secret(CANARY)
    assert read("key_file: ${DIR}/secret", tmp_path, {"DIR": str(tmp_path)})[0] == Secret(CANARY)


@pytest.mark.parametrize("text", ["", "key:", "key: ''", "key_file:"])
def test_no_secret_is_none(text: str, tmp_path: Path) -> None:
    """Absence is no problem here: whoever needs it says so."""
    assert read(text, tmp_path) == (None, [], {})


def test_what_is_not_there_is_said_with_its_key(tmp_path: Path) -> None:
    """A variable that is not set and a file that does not exist are no mistakes of the file."""
    assert read("key: ${NAME}", tmp_path) == (None, [], {"key": ["NAME is not set"]})
    assert read("key_file: ${NAME}", tmp_path) == (None, [], {"key_file": ["NAME is not set"]})
    assert read("key_file: none", tmp_path) == (
        None,
        [],
        {"key_file": [f"{tmp_path}/none: no such file"]},
    )


@pytest.mark.parametrize(
    ("text", "content", "problem"),
    [
        pytest.param(
            f"key: {CANARY}\nkey_file: secret\n",
            b"x",
            "x.yml:2:11: key_file: expected either key or key_file, found both",
            id="both",
        ),
        pytest.param(
            "key_file: secret",
            b"\xff",
            "x.yml:1:11: key_file: expected a file with a text in UTF-8, found FOLDER/secret",
            id="no text",
        ),
        pytest.param(
            "key_file: secret",
            b" \n",
            "x.yml:1:11: key_file: expected a file with a secret in it, "
            "found nothing in FOLDER/secret",
            id="an empty file",
        ),
        pytest.param(
            f"key: [{CANARY}]", b"", "x.yml:1:6: key: expected a text, found a list", id="a list"
        ),
        pytest.param(
            f"keey: {CANARY}",
            b"",
            'x.yml:1:1: keey: expected the key "key", found the unknown key "keey"',
            id="a misspelt key",
        ),
    ],
)
def test_what_is_wrong_is_said_without_the_secret(
    text: str, content: bytes, problem: str, tmp_path: Path
) -> None:
    """A complaint has place and reason, and never the value."""
    (tmp_path / "secret").write_bytes(content)

    _, problems, _ = read(text, tmp_path)

    assert problems == [problem]


def test_a_device_is_not_read_to_its_end() -> None:
    """A path that was named by mistake costs no memory."""
    secret, _, _ = read("key_file: /dev/zero", Path("/"))

    assert isinstance(secret, Secret)
    assert len(secret.reveal()) == SECRET_BYTES_MAX


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hooks.example.org/T0/B0/x", True),
        ("http://127.0.0.1:9093", True),
        ("http://user:password@[::1]:80/", True),
        ("hooks.example.org/x", False),
        ("ftp://example.org", False),
        ("https://", False),
        ("https:///path", False),
        ("https://example.org:99999/", False),
        ("https://example.org:0/", False),
        ("https://example.org/a b", False),
        ("https://example.org/\n", False),
        ("https://[::1", False),
        ("", False),
    ],
)
def test_an_address_has_scheme_and_host(url: str, expected: bool) -> None:
    """Anything else would fail when there is something to tell."""
    assert is_url(url) is expected


def test_a_wrong_address_is_not_shown() -> None:
    """Webhook addresses are secrets, and a wrong one is nearly the right one."""
    _, problems, _ = take(
        f"a: hooks.example.org/{CANARY}\nb: ${{NAME}}\n",
        lambda root: (
            read_secret_url(root, "a", Path("/")),
            read_secret_url(root, "b", Path("/")),
            read_url(root, "c"),
        ),
        {"NAME": CANARY},
    )

    assert problems == [
        "x.yml:1:4: a: expected an address like https://example.org/path, found something else",
        "x.yml:2:4: b: expected an address like https://example.org/path, found something else",
    ]
