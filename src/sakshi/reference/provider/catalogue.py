"""Which providers there are, and where they are reached.

A provider is the real one only where both its key and its base URL stand in the environment:
`OPENAI_API_KEY` and `OPENAI_BASE_URL`, and so for `VENICE_` and `GEMINI_`. A key alone changes
nothing: many developers have one in their shell, and a demo must not spend their money.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx2

from sakshi.reference.provider.client import StreamingProvider, Wire
from sakshi.reference.provider.gemini import GeminiWire
from sakshi.reference.provider.openai import OpenAIWire

STANDIN_KEY = "stand-in"  # the stand-ins want a key, as the real ones do, but any


@dataclass(frozen=True)
class ProviderKind:
    """A provider that the service can speak to."""

    name: str
    model: str
    wire: Callable[[str, str], Wire]


KINDS = (
    ProviderKind("openai", "gpt-4o-mini", OpenAIWire),
    ProviderKind("venice", "llama-3.3-70b", OpenAIWire),
    ProviderKind("gemini", "gemini-2.0-flash", GeminiWire),
)


def create_providers(
    urls: Mapping[str, str], environment: Mapping[str, str], http: httpx2.AsyncClient
) -> list[StreamingProvider]:
    """Return the providers that have an address.

    Args:
        urls: base URL of the stand-in by provider name; a provider without one is left out unless
            the environment has its key and base URL.
        environment: `NAME_API_KEY`, `NAME_BASE_URL`, and `NAME_MODEL` for another model.
        http: the client that all of them share.
    """
    providers = []
    for kind in KINDS:
        if address := find_address(kind, urls, environment):
            model = environment.get(f"{kind.name.upper()}_MODEL") or kind.model
            providers.append(StreamingProvider(kind.name, model, kind.wire(*address), http))
    return providers


def find_address(
    kind: ProviderKind, urls: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[str, str] | None:
    """Return a provider's base URL and key: the real one's, else its stand-in's; None without."""
    prefix = kind.name.upper()
    key, url = environment.get(f"{prefix}_API_KEY"), environment.get(f"{prefix}_BASE_URL")
    if key and url:
        return url, key
    return (urls[kind.name], STANDIN_KEY) if urls.get(kind.name) else None
