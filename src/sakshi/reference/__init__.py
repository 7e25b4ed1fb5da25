"""The consciousness messaging service that the monitoring strategy is about.

Messages come in over HTTP and WebSocket, go through a pipeline of layers to three AI providers, and
come back as replies; conversations lie in SQLite; /metrics shows what happened. Stand-ins for the
providers, traffic and receivers of notifications make it run offline. `python -m sakshi.reference`
starts it. Read `pipeline.py` first, then `application.py`.
"""

from sakshi.reference.application import create_application
from sakshi.reference.server import HttpServer, bind
from sakshi.reference.service import Service, ServiceSettings, open_service

__all__ = [
    "HttpServer",
    "Service",
    "ServiceSettings",
    "bind",
    "create_application",
    "open_service",
]
