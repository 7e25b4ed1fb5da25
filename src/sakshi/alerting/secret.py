"""Secrets, which scraping has too: see `model/secret.py`."""

from __future__ import annotations

from sakshi.model.secret import HIDDEN, Secret

__all__ = ["HIDDEN", "Secret"]
