"""OpenMetrics for tests: bodies of any families, and changes to them."""

from __future__ import annotations

import random

from sakshi.exposition import MetricFamily
from sakshi.model.labels import quote_value

INSERTED = b'0123456789 .,-+eE"[]{}\n#nfoaEOF'


def mutate(rng: random.Random, body: bytes, inserted: bytes = INSERTED) -> bytes:
    """Change values and exemplars, and once in a while anything."""
    values = (b"0", b"-0", b"1e3", b"NaN", b"+Inf", b"1.5", b"007", b"-nan", b"1_0", b"true")
    exemplars = (
        *(b"", b"", b' # {a="b"} 1', b" # {} 1 2", b' # {a="} # {"} 1e3 17.5', b' # {a="\\"",} 1'),
        *(b" # {} x", b" # {", b" 17", b' 17 # {a="b"} 1', b" # {} 1 2 3", b" #"),
    )
    lines = body.split(b"\n")
    for index, line in enumerate(lines):
        if line and not line.startswith(b"#") and rng.random() < 0.5:
            exemplar = rng.choice(exemplars[:6] if rng.random() < 0.97 else exemplars)
            value = rng.choice(values[:6] if rng.random() < 0.97 else values)
            lines[index] = line[: line.rindex(b" ") + 1] + value + exemplar
    body = b"\n".join(lines)
    if rng.random() < 0.3:
        cut = rng.randrange(len(body) + 1)
        insertion = bytes(rng.choices(inserted, k=rng.randrange(3)))
        body = body[:cut] + insertion + body[cut + rng.randrange(4) :]
    return body


def render(families: list[MetricFamily]) -> bytes:
    """OpenMetrics without timestamps, for families of any names and labels."""
    lines = []
    for family in families:
        name = f'"{family.name}"'
        lines.append(f"# TYPE {name} {family.type}\n")
        for sample in family.samples:
            inner = "".join(f',"{k}"={quote_value(v)}' for k, v in sample.labels.pairs)
            lines.append(f'{{"{sample.name}"{inner}}} {sample.value}\n')
    return "".join(lines).encode() + b"# EOF\n"
