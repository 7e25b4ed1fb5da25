import assert from "node:assert/strict";
import { test } from "node:test";

import { countColumns, countVerdicts, groupKpis, groupsWithData, spanGroups } from "../src/lib/overview.ts";

const kpi = (name, group) => ({ name, group });
const KPIS = [kpi("a", "time"), kpi("b", "quality"), kpi("c", "time")];
const GROUPS = groupKpis([{ name: "time", title: "Time" }, { name: "quality", title: "Quality" }], KPIS);
const readings = (verdicts) =>
  new Map(Object.entries(verdicts).map(([name, verdict]) => [name, { name, verdict }]));

test("groups keep the definition's order, and so do the KPIs in them", () => {
  assert.deepEqual(GROUPS.map(({ kpis }) => kpis.map(({ name }) => name)), [["a", "c"], ["b"]]);
});

test("there are two columns on the narrowest screen, three on a phone, nine beside the alerts", () => {
  assert.equal(countColumns(0, false), 2);
  assert.equal(countColumns(366, false), 3);
  assert.equal(countColumns(1063, false), 9);
  assert.equal(countColumns(366, true), 1);
});

test("a group has had data once one of its KPIs has, and stays so", () => {
  const none = groupsWithData(GROUPS, readings({ a: "NO DATA" }), new Set());
  const first = groupsWithData(GROUPS, readings({ a: "NO DATA", c: "STALE" }), none);
  const later = groupsWithData(GROUPS, readings({ c: "NO DATA" }), first);

  assert.deepEqual([...none], []);
  assert.deepEqual([...first], ["time"]);
  assert.equal(later, first);
});

test("a group spans as many columns as it has KPIs, at most all", () => {
  const spans = spanGroups([6, 3, 4, 40].map((count) => ({ count, isCondensed: false })), 9);

  assert.deepEqual(spans, [6, 3, 4, 9]);
});

test("a condensed group takes the rest of its row, and moves no other group", () => {
  const sizes = (...condensed) => [4, 4, 5].map((count, index) => ({ count, isCondensed: condensed.includes(index) }));

  assert.deepEqual(spanGroups(sizes(), 9), [4, 4, 5]);
  assert.deepEqual(spanGroups(sizes(2), 9), [4, 4, 9]);
  assert.deepEqual(spanGroups(sizes(0, 1, 2), 9), [4, 5, 9]);
  assert.deepEqual(spanGroups(sizes(0), 9), [4, 4, 5]);
});

test("verdicts are counted from the worst; of stale data there is only STALE", () => {
  const told = readings({ a: "OK", b: "CRITICAL" });
  const counts = (staleness) => countVerdicts(KPIS, told, staleness).map(({ count }) => count);

  assert.deepEqual(counts(""), [1, 0, 0, 1, 0, 1]);
  assert.deepEqual(counts("No word"), [0, 0, 3, 0, 0, 0]);
});
