import assert from "node:assert/strict";
import { test } from "node:test";

import { describeLimits } from "../src/lib/distance.ts";
import { describeObservations, kpiPanel, listRules, watchedKpis } from "../src/lib/kpi.ts";
import { describeTile } from "../src/lib/tile.ts";

const RULE = { alert: "Slow", severity: "critical", limit: "critical", expr: "x > 5000", hold_seconds: 60 };
const KPI = {
  name: "overall",
  title: "Overall response time",
  metric: "http_request_duration_seconds",
  unit: "ms",
  series: 'sakshi_kpi_value{kpi="overall"}',
  observations: "sum(increase(x_count[5m]))",
  min_observations: 10,
  target: { operator: "<", value: 2000, text: "<2000ms" },
  warning: { operator: ">", value: 3000, text: ">3000ms" },
  critical: null,
  rules: [RULE],
};
const reading = (changes) => ({
  name: "overall",
  value: 1240.5,
  verdict: "OK",
  since: new Date(1_700_000_000_000).toISOString(),
  observations: 312,
  distances: {},
  counts_as: "OK",
  reason: "",
  warning: "",
  ...changes,
});
const words = (distances) =>
  describeLimits(KPI, reading({ distances })).map(({ name, state, words }) => [name, state, words]);

test("distances are told on the good side and beyond, for the limits that there are", () => {
  assert.deepEqual(words({ target: 759.5, warning: 1759.5 }), [
    ["target", "kept", "760 ms to spare"],
    ["warning", "kept", "1,760 ms away"],
  ]);
  assert.deepEqual(words({ target: -1240.4, warning: -240.4 }), [
    ["target", "broken", "missed by 1,240 ms"],
    ["warning", "broken", "crossed by 240 ms"],
  ]);
});

test("at the limit itself a target is missed, a warning is not crossed", () => {
  assert.deepEqual(words({ target: 0, warning: 0 }), [
    ["target", "broken", "exactly at it"],
    ["warning", "kept", "exactly at it"],
  ]);
});

test("without a value there is no distance", () => {
  assert.deepEqual(words({}), [
    ["target", "unknown", "no value to compare"],
    ["warning", "unknown", "no value to compare"],
  ]);
  assert.equal(describeLimits(KPI, undefined)[0].condition, "< 2,000 ms");
});

test("observations are told with how many it takes", () => {
  assert.equal(describeObservations(KPI, reading({})), "312, at least 10 are needed");
  assert.equal(describeObservations(KPI, reading({ observations: null })), "not known, at least 10 are needed");
  assert.equal(describeObservations({ ...KPI, min_observations: 0 }, reading({})), "312");
  assert.equal(describeObservations({ ...KPI, observations: "" }, reading({})), "not counted");
});

test("a KPI's chart draws its recorded value and the limits that it has", () => {
  const panel = kpiPanel(KPI);

  assert.deepEqual(panel.queries, [{ legend: "value", expr: 'sakshi_kpi_value{kpi="overall"}' }]);
  assert.deepEqual(panel.thresholds, [{ name: "target", value: 2000 }, { name: "warning", value: 3000 }]);
});

test("a rule fires with the alerts of its name and severity; resolved ones are over", () => {
  const alert = (state, severity = "critical", name = "Slow", labels = {}) => ({ name, state, severity, labels });
  const state = (...alerts) => listRules(KPI, alerts)[0].state;

  assert.equal(state(), "inactive");
  assert.equal(state(alert("pending")), "pending");
  assert.equal(state(alert("pending"), alert("firing")), "firing");
  assert.equal(state(alert("resolved")), "inactive");
  assert.equal(state(alert("firing", "warning")), "inactive");
  assert.equal(state(alert("firing", "critical", "Other")), "inactive");
  assert.equal(state(alert("firing", "critical", "Slow", { kpi: "overall" })), "firing");
  assert.equal(state(alert("firing", "critical", "Slow", { kpi: "another" })), "inactive");
});

test("an alert knows the KPIs that its rule watches", () => {
  const other = { ...KPI, name: "other", rules: [] };

  assert.deepEqual(watchedKpis([KPI, other], { name: "Slow", labels: {} }), [KPI]);
  assert.deepEqual(watchedKpis([KPI, other], { name: "Slow", labels: { kpi: "other" } }), []);
});

test("a tile says since when, why, and what is wrong with the KPI", () => {
  const told = { verdict: "NO DATA", value: null, reason: "there is no value", warning: "no target exposes x" };
  const tile = describeTile(KPI, reading(told), "", 1_700_000_000 + 720);

  assert.equal(tile.href, "#kpi=overall");
  assert.equal(tile.age, "12m");
  assert.deepEqual(tile.tooltip.split("\n").slice(2), [
    "there is no value",
    "counts as OK",
    "no target exposes x",
    "target < 2,000 ms",
    "warning > 3,000 ms",
    "http_request_duration_seconds",
  ]);
});

test("what is too old has no age of its verdict, nor has what was never judged", () => {
  assert.equal(describeTile(KPI, reading({}), "No word from sakshi for 20 s", 0).age, "");
  assert.equal(describeTile(KPI, reading({ since: null }), "", 0).age, "");
  assert.equal(describeTile(KPI, undefined, "", 0).verdict, "NO DATA");
});
