"""The SDK that applications import: metrics in, one /metrics page out.

What goes in: `Metrics` on a prometheus_client registry, `MetricsMiddleware` around an ASGI app,
spans (`metrics.layer`, `metrics.pipeline_run`, `metrics.provider_call`, `metrics.websocket_turn`)
around work. What comes out: `metrics_app`, an ASGI application for /metrics. Loads the standard
library and prometheus_client only, and never raises into the application. Read `metrics.py` first.
"""

from sakshi.instrument.asgi import MetricsMiddleware
from sakshi.instrument.endpoint import metrics_app
from sakshi.instrument.family import LABEL_SETS_MAX, OTHER
from sakshi.instrument.metrics import BUCKETS, Kinds, Metrics
from sakshi.instrument.resource_usage import ResourceReader
from sakshi.instrument.strategy import (
    consciousness_metrics_middleware,
    consciousnessMetricsMiddleware,
    default_metrics,
)

__all__ = [
    "BUCKETS",
    "LABEL_SETS_MAX",
    "OTHER",
    "Kinds",
    "Metrics",
    "MetricsMiddleware",
    "ResourceReader",
    "consciousnessMetricsMiddleware",
    "consciousness_metrics_middleware",
    "default_metrics",
    "metrics_app",
]
