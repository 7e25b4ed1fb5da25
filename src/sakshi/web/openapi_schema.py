"""The schemas of sakshi's own answers, for the OpenAPI document: JSON Schema, draft 2020-12.

Every field that is named is in every answer; answers may come to have further ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sakshi.kpi import Aggregation, Better, NoDataPolicy, Origin, Standing, Statistic, Verdict
from sakshi.ledger.record import DeliveryState
from sakshi.model.alert import AlertState

Schema = Mapping[str, object]

TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "number"}
INTEGER: Final[Schema] = {"type": "integer"}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
NUMBERS: Final[Schema] = {"type": "object", "additionalProperties": NUMBER}
TEXTS: Final[Schema] = {"type": "object", "additionalProperties": TEXT}


def describe(text: str, schema: Schema) -> Schema:
    """Return a schema with a description."""
    return {**schema, "description": text}


def reference(name: str) -> Schema:
    """Return the reference to one of SCHEMAS."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def nullable(schema: Schema) -> Schema:
    """Return the schema of what may be null."""
    if "type" in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def one_of(values: Sequence[str]) -> Schema:
    """Return the schema of one of some words."""
    return {"type": "string", "enum": [str(value) for value in values]}


def fields(**properties: Schema) -> Schema:
    """Return the schema of an object; all its fields are always there."""
    return {"type": "object", "properties": properties, "required": list(properties)}


VERDICT: Final = one_of(tuple(Verdict))

_LIMIT: Final = nullable(reference("Limit"))
_BASELINE: Final[Mapping[str, Schema]] = {
    "name": TEXT,
    "title": TEXT,
    "origin": one_of(tuple(Origin)),
    "recorded_at": nullable(MOMENT),
    "over_seconds": nullable(NUMBER),
}
_INDICATOR: Final[Mapping[str, Schema]] = {
    "name": describe("`GROUP.NAME`", TEXT),
    "group": TEXT,
    "title": TEXT,
    "unit": TEXT,
    "better": one_of(tuple(Better)),
}
_DELIVERY: Final[Mapping[str, Schema]] = {
    "fingerprint": describe("of the alert", TEXT),
    "labels": TEXTS,
    "group_key": TEXT,
    "id": INTEGER,
    "receiver": TEXT,
    "integration": TEXT,
    "told_state": one_of(("firing", "resolved")),
    "state": one_of(tuple(DeliveryState)),
    "transition_at": MOMENT,
    "due_at": describe("when it is tried next, while it waits", nullable(MOMENT)),
    "attempts": INTEGER,
    "last_error": TEXT,
    "delivered_at": nullable(MOMENT),
}
_ALERT_STATE: Final = one_of(tuple(AlertState))

SCHEMAS: Final[Mapping[str, Schema]] = {
    "Error": fields(status={"const": "error"}, errorType=TEXT, error=TEXT),
    "Limit": fields(
        operator=one_of(("<", ">")),
        value=describe("in the KPI's unit", NUMBER),
        text=describe("as the strategy writes it: `<2000ms`", TEXT),
    ),
    "Judgement": fields(
        name=TEXT,
        value=describe("in the KPI's unit; under STALE the last known", nullable(NUMBER)),
        verdict=VERDICT,
        since=describe("when the verdict became what it is", nullable(MOMENT)),
        observations=describe("how many the value rests on", nullable(NUMBER)),
        distances=describe("from each limit: positive on its good side", NUMBERS),
        counts_as=describe("what it contributes to the verdict on everything", VERDICT),
        reason=describe("why it is not judged, or why worse than its value says", TEXT),
        warning=describe("what is wrong with the KPI itself", TEXT),
    ),
    "Judgements": fields(
        at=MOMENT,
        verdict=describe("the worst of what the KPIs count as", VERDICT),
        kpis=array(reference("Judgement")),
    ),
    "Rule": fields(
        alert=TEXT,
        severity=TEXT,
        limit=one_of(("critical", "warning", "target", "no_data", "")),
        expr=TEXT,
        hold_seconds=NUMBER,
        file=TEXT,
        group=TEXT,
    ),
    "Kpi": fields(
        name=TEXT,
        group=TEXT,
        title=TEXT,
        metric=TEXT,
        expr=describe("PromQL: what is asked, the window filled in", TEXT),
        series=describe("PromQL: its recorded value", TEXT),
        unit=TEXT,
        statistic=one_of(tuple(Statistic)),
        aggregation=one_of(tuple(Aggregation)),
        window=TEXT,
        observations=TEXT,
        min_observations=INTEGER,
        condition=TEXT,
        covered_by=TEXT,
        recovery=NUMBER,
        no_data=one_of(tuple(NoDataPolicy)),
        target=_LIMIT,
        warning=_LIMIT,
        critical=_LIMIT,
        rules=array(reference("Rule")),
        indicators=array(TEXT),
    ),
    "Panel": fields(
        id=TEXT,
        title=TEXT,
        unit=TEXT,
        queries=array(fields(legend=TEXT, expr=TEXT)),
        thresholds=array(fields(name=TEXT, value=NUMBER)),
    ),
    "Dashboard": fields(
        version=TEXT,
        interval_seconds=NUMBER,
        window=TEXT,
        groups=array(fields(name=TEXT, title=TEXT)),
        kpis=array(reference("Kpi")),
        panels=array(reference("Panel")),
    ),
    "Indicator": fields(**_INDICATOR, expr=TEXT, kpi=TEXT, target=nullable(NUMBER)),
    "Baseline": fields(**_BASELINE, values=describe("how many it has", INTEGER)),
    "BaselineValues": fields(
        **_BASELINE,
        values=describe("by indicator", NUMBERS),
        observations=describe("how many a value rests on, by indicator", NUMBERS),
    ),
    "Baselines": fields(
        indicators=array(reference("Indicator")), baselines=array(reference("Baseline"))
    ),
    "DeletedBaseline": fields(name=TEXT),
    "ComparisonEntry": fields(
        **_INDICATOR,
        baseline=nullable(NUMBER),
        now=nullable(NUMBER),
        target=nullable(NUMBER),
        change_percent=describe("(now - baseline) / baseline * 100", nullable(NUMBER)),
        promised_percent=describe(
            "improvement from baseline to target, in % of the baseline", nullable(NUMBER)
        ),
        reached_percent=describe("how much of it is reached", nullable(NUMBER)),
        observations=nullable(NUMBER),
        standing=one_of(tuple(Standing)),
        reason=describe("why there is no data", TEXT),
    ),
    "Comparison": fields(
        baseline=reference("Baseline"),
        at=MOMENT,
        over_seconds=NUMBER,
        entries=array(reference("ComparisonEntry")),
        reached=INTEGER,
        missed=INTEGER,
        unknown=INTEGER,
    ),
    "Alertmanagers": fields(
        alertmanagers=array(
            fields(
                url=TEXT,
                waiting=describe("alerts to be told that it has not accepted", INTEGER),
                refused=describe("alerts that it does not take for what they say", INTEGER),
                accepted_at=describe("when it last accepted a post", nullable(MOMENT)),
                last_error=describe("why the last post failed; empty: it did not", TEXT),
            )
        )
    ),
    "Deliveries": fields(deliveries=array(fields(**_DELIVERY))),
    "Transitions": fields(
        transitions=array(
            fields(
                at=MOMENT,
                previous=_ALERT_STATE,
                state=_ALERT_STATE,
                name=TEXT,
                fingerprint=TEXT,
                labels=TEXTS,
                annotations=TEXTS,
                value=nullable(NUMBER),
            )
        )
    ),
}
"""By name; what the answers' `data` are."""
