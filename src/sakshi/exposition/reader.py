"""A body to metric families, in whichever format it is."""

from __future__ import annotations

from sakshi.exposition.family import MetricFamily
from sakshi.exposition.grammar import Grammar
from sakshi.exposition.grouping import FamilyBuilder
from sakshi.exposition.line import BOUND_LABELS


def read_families(body: bytes, grammar: Grammar) -> list[MetricFamily]:
    """Return the families of a body, in the order in which they first appear.

    Raises:
        ExpositionSyntaxError: the body is not of this grammar, or has a series twice at one moment.
    """
    families = FamilyBuilder(grammar.suffixes)
    bound_label = ""
    for number, line in enumerate(grammar.split(body), start=1):
        if not grammar.is_comment(line):
            families.add_sample(grammar.scan_sample(line, number, bound_label), number)
        elif (meta := grammar.scan_comment(line, number)) is not None:
            families.add_meta(meta)
            if meta.type is not None:
                bound_label = BOUND_LABELS.get(meta.type, "")
    return families.finish()
