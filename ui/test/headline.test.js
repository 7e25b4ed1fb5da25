import assert from "node:assert/strict";
import { test } from "node:test";

import { composeHeadline } from "../src/lib/headline.ts";

const KPI = {
  name: "venice",
  title: "Venice response time",
  unit: "ms",
  target: { operator: "<", value: 1000, text: "<1000ms" },
  warning: { operator: ">", value: 1500, text: ">1500ms" },
  critical: { operator: ">", value: 2500, text: ">2500ms" },
};
const reading = (name, verdict, value = null, changes = {}) => ({
  name,
  value,
  verdict,
  counts_as: verdict,
  reason: "",
  ...changes,
});
const kpis = (...names) => names.map((name) => ({ ...KPI, name, title: name }));
const situation = (changes) => ({
  verdict: "OK",
  counts: { pending: 0, firing: 0 },
  alerts: [],
  kpis: [KPI],
  readings: [reading("venice", "OK", 600)],
  targets: { up: 1, down: 0, unknown: 0, items: [] },
  staleness: "",
  ...changes,
});
const firing = (name, severity) => ({ name, severity, state: "firing" });

test("all is well", () => {
  const both = { kpis: kpis("a", "b"), readings: [reading("a", "OK", 1), reading("b", "OK", 1)] };

  assert.equal(composeHeadline(situation({})).text, "the only indicator on target");
  assert.equal(composeHeadline(situation(both)).text, "all 2 indicators on target");
});

test("without KPIs that is said", () => {
  assert.equal(composeHeadline(situation({ kpis: [], readings: [] })).text, "no KPIs are configured");
});

test("a missed limit is named with the value and the limit that was missed", () => {
  const readings = [reading("venice", "CRITICAL", 2630.4)];

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
  assert.equal(headline("OK", "page").verdict, "WARNING");
  assert.equal(headline("OK", "info").verdict, "OFF TARGET");
  assert.equal(headline("WARNING", "info").verdict, "WARNING");
  assert.equal(headline("CRITICAL", "warning").verdict, "CRITICAL");
  assert.equal(
    headline("OK", "critical").text,
    "Failure firing · 1 alert pending · the only indicator on target",
  );
});

test("a target that is down is said", () => {
  const readings = [reading("venice", "NO DATA")];
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

test("the KPIs behind the verdict have names, three at most; the others are counted", () => {
  const names = ["a", "b", "c", "d", "e", "f", "g"];
  const verdicts = ["WARNING", "OFF TARGET", "WARNING", "NO DATA", "WARNING", "STALE", "WARNING"];
  const readings = names.map((name, index) => reading(name, verdicts[index], 1600));

  assert.equal(
    composeHeadline(situation({ verdict: "WARNING", kpis: kpis(...names), readings })).text,
    "a 1,600 ms (> 1,500 ms), c 1,600 ms (> 1,500 ms), e 1,600 ms (> 1,500 ms) and 1 more" +
      " · 1 stale · no data for 1 of 7 indicators · 1 off target",
  );
});

test("a stale KPI is worse than one without data, and is named", () => {
  const readings = [reading("a", "NO DATA"), reading("b", "STALE", 3)];
  const headline = composeHeadline(situation({ verdict: "STALE", kpis: kpis("a", "b"), readings }));

  assert.equal(headline.verdict, "STALE");
  assert.equal(headline.text, "b stale · no data for 1 of 2 indicators");
});

test("few KPIs without data are named when the verdict is theirs", () => {
  const readings = [reading("a", "NO DATA"), reading("b", "OFF TARGET", 1200)];
  const headline = composeHeadline(situation({ verdict: "NO DATA", kpis: kpis("a", "b"), readings }));

  assert.equal(headline.text, "no data for a · 1 off target");
});

test("a KPI that counts as OK worsens nothing and is not named", () => {
  const excused = reading("b", "NO DATA", null, { counts_as: "OK" });
  const text = (...readings) => composeHeadline(situation({ kpis: kpis("a", "b"), readings })).text;

  assert.equal(
    text(reading("a", "OK", 1), excused),
    "1 of 2 indicators on target · no data for 1 of 2 indicators, which counts as OK",
  );
  assert.equal(text(reading("a", "WARNING", 1600), excused), "a 1,600 ms (> 1,500 ms)");
});

test("a KPI without data that counts as the verdict before is said to be without data", () => {
  const readings = [reading("venice", "NO DATA", 1600, { counts_as: "WARNING" })];

  assert.equal(
    composeHeadline(situation({ verdict: "WARNING", readings })).text,
    "Venice response time without data",
  );
});

test("a verdict that is worse than the value alone is explained by its reason", () => {
  const readings = [reading("venice", "WARNING", 1460, { reason: "recovers below 1425ms" })];

  assert.equal(
    composeHeadline(situation({ verdict: "WARNING", readings })).text,
    "Venice response time 1,460 ms (recovers below 1425ms)",
  );
});
