"""Clients of the AI providers: a dialogue goes in, pieces of an answer come out.

OpenAI's and Gemini's real wire formats over HTTP with server-sent events. Read `client.py` first.
"""

from sakshi.reference.provider.catalogue import KINDS, create_providers, find_address
from sakshi.reference.provider.client import Provider, StreamingProvider, Utterance

__all__ = [
    "KINDS",
    "Provider",
    "StreamingProvider",
    "Utterance",
    "create_providers",
    "find_address",
]
