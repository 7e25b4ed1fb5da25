import assert from "node:assert/strict";
import { test } from "node:test";

import { composeHeadline, findStaleness, toneOf } from "../src/lib/verdict.ts";

const KPI = {
  name: "venice",
  title: "Venice response time",
  unit: "ms",
  target: { operator: "<", value: 1000, text: "<1000ms" },
  warning: { operator: ">", value: 1500, text: ">1500ms" },
  critical: { operator: ">", value: 2500, text: ">2500ms" },
};
const situation = (changes) => ({
  verdict: "OK",
  counts: { pending: 0, firing: 0 },
  alerts: [],
  kpis: [KPI],
  readings: [{ name: "venice", value: 600, verdict: "OK" }],
  targets: { up: 1, down: 0, unknown: 0, items: [] },
  staleness: "",
  ...changes,
});
const firing = (name, severity) => ({ name, severity, state: "firing" });

test("all is well", () => {
  const kpis = [KPI, { ...KPI, name: "gemini" }];

  assert.equal(composeHeadline(situation({})).text, "the only indicator on target");
  assert.equal(composeHeadline(situation({ kpis })).text, "all 2 indicators on target");
});

test("a missed limit is named with the value and the limit that was missed", () => {
  const readings = [{ name: "venice", value: 2630.4, verdict: "CRITICAL" }];

  assert.deepEqual(composeHeadline(situation({ verdict: "CRITICAL", readings })), {
    verdict: "CRITICAL",
    text: "Venice response time 2,630 ms (> 2,500 ms)",
    announcement: "CRITICAL",
  });
});

test("a firing alert makes the verdict worse, never better", () => {
  const counts = { pending: 1, firing: 1 };
  const headline = (verdict, severity) =>
    composeHeadline(situation({ verdict, counts, alerts: [firing("Failure", severity)] }));

  assert.equal(headline("OK", "critical").verdict, "CRITICAL");
  assert.equal(headline("OK", "warning").verdict, "WARNING");
  assert.equal(headline("CRITICAL", "warning").verdict, "CRITICAL");
  assert.equal(
    headline("OK", "critical").text,
    "Failure firing · 1 alert pending · the only indicator on target",
  );
});

test("a target that is down is said", () => {
  const readings = [{ name: "venice", value: null, verdict: "NO DATA" }];
  const targets = { up: 2, down: 1, unknown: 0, items: [] };

  assert.equal(
    composeHeadline(situation({ verdict: "NO DATA", readings, targets })).text,
    "1 of 3 targets is down · no data for the only indicator",
  );
});

test("what is stale is not judged, and what has not come yet neither", () => {
  const stale = situation({ verdict: "OK", staleness: "No word from sakshi for 20 s" });

  assert.equal(composeHeadline(stale).verdict, "STALE");
  assert.equal(composeHeadline(stale).text, "No word from sakshi for 20 s");
  assert.equal(composeHeadline(situation({ verdict: null })).verdict, "NO DATA");
});

test("silence of three intervals is stale, and so are targets of which none answered for three of theirs", () => {
  const targets = { up: 1, down: 0, unknown: 0, items: [{ interval_seconds: 15 }] };

  assert.equal(findStaleness(15, 5, 1, targets), "");
  assert.equal(findStaleness(15.1, 5, 1, targets), "No word from sakshi for 15 s");
  assert.equal(findStaleness(1, 5, 45, targets), "");
  assert.equal(findStaleness(1, 5, 46, targets), "No target has answered for 46 s");
  assert.equal(findStaleness(1, 5, 46, { ...targets, items: [] }), "");
});

test("each verdict has a tone in the style sheet", () => {
  assert.equal(toneOf("OFF TARGET"), "tone-off-target");
});
