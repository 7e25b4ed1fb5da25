"""How this sakshi was started, for who asks the API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import yaml

SECRET: Final = "<secret>"

_SECRET_KEY: Final = re.compile(
    r".*(password|secret|token|credentials|api_key|service_key|routing_key|account_key)"
    r"|api_url|slack_api_url|webhook_url|headers|http_headers|proxy_connect_header",
    re.IGNORECASE,
)
_HARMLESS_KEY: Final = re.compile(r".*(_file|_files|_ref|_url)", re.IGNORECASE)
_URL_PASSWORD: Final = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]*@", re.IGNORECASE)
_WEBHOOK: Final = "webhook_configs"


@dataclass(frozen=True)
class Startup:
    """What was given at start.

    Args:
        at_ms: when; None: nobody said.
        configuration: the file's text, from `redact`.
        flags: in the names of Prometheus' flags.
        retention_ms: how long samples are kept.
    """

    at_ms: int | None = None
    configuration: str = ""
    flags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    retention_ms: int = 0


def redact(text: str) -> str:
    """Return a configuration with `<secret>` for everything that is one; comments are lost.

    Passwords in addresses go, all addresses of webhooks, all values of headers, and whatever stands
    under a key that sounds like a secret; a file's name is none.

    Example:
        >>> print(redact("auth: {password: 'x', password_file: /run/x}"), end="")
        auth:
          password: <secret>
          password_file: /run/x
    """
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError:
        return ""
    return "" if tree is None else str(yaml.safe_dump(_redacted(tree), sort_keys=False))


def _redacted(node: Any, key: str = "", parent: str = "") -> Any:
    if _is_secret(key, parent) and node is not None:
        return dict.fromkeys(node, SECRET) if isinstance(node, dict) else SECRET
    if isinstance(node, dict):
        return {name: _redacted(value, str(name), key or parent) for name, value in node.items()}
    if isinstance(node, list):
        return [_redacted(item, "", key or parent) for item in node]
    return _URL_PASSWORD.sub(rf"\1{SECRET}@", node) if isinstance(node, str) else node


def _is_secret(key: str, parent: str) -> bool:
    if key == "url" and parent == _WEBHOOK:
        return True
    if key in ("api_url", "slack_api_url", "webhook_url"):
        return True
    return bool(_SECRET_KEY.fullmatch(key)) and not _HARMLESS_KEY.fullmatch(key)
