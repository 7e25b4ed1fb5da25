import assert from "node:assert/strict";
import { test } from "node:test";

import { appendPoint, continueWith, emptyLines, readHistory, seriesKey, summarize } from "../src/lib/series.ts";

const SPAN = { start: 100, end: 130, step: 10 };

test("a line's key is its legend with the labels filled in, empty where there is none", () => {
  assert.equal(seriesKey("{{provider}} mean", { provider: "venice" }), "venice mean");
  assert.equal(seriesKey("{{ layer }}", { layer: "memory" }), "memory");
  assert.equal(seriesKey("p95", { job: "chat" }), "p95");
  assert.equal(seriesKey("{{zone}}/x", {}), "/x");
});

test("history has a value at each step, and gaps where there is none or it is no number", () => {
  const series = [{ metric: {}, values: [[100, "1"], [110, "NaN"], [130, "4.5"]] }];

  const lines = readHistory([{ legend: "mean", series }], SPAN);

  assert.deepEqual(lines, { step: 10, times: [100, 110, 120, 130], keys: ["mean"], values: [[1, null, null, 4.5]] });
});

test("the lines of a query are sorted, those of the next query follow", () => {
  const one = (provider) => ({ metric: { provider }, values: [[100, "1"]] });

  const lines = readHistory(
    [{ legend: "{{provider}}", series: [one("venice"), one("gemini")] }, { legend: "all", series: [one("")] }],
    SPAN,
  );

  assert.deepEqual(lines.keys, ["gemini", "venice", "all"]);
});

test("a live point is appended; a line without one gets a gap, a new key becomes a line", () => {
  const lines = appendPoint(emptyLines(5), 100, { a: 1 }, 0);

  const more = appendPoint(lines, 105, { b: 2 }, 0);

  assert.deepEqual(more, { step: 5, times: [100, 105], keys: ["a", "b"], values: [[1, null], [null, 2]] });
});

test("a point that is not newer than the newest changes nothing", () => {
  const lines = appendPoint(emptyLines(5), 100, { a: 1 }, 0);

  assert.equal(appendPoint(lines, 100, { a: 9 }, 0), lines);
  assert.equal(appendPoint(lines, 99, { a: 9 }, 0), lines);
});

test("points closer than a step replace each other, so that a line stays bounded", () => {
  let lines = emptyLines(36);
  for (let time = 0; time < 7200; time += 5) lines = appendPoint(lines, time, { a: time }, time - 3600);

  assert.ok(lines.times.length <= 3600 / 36 + 8, `${lines.times.length} points`);
  assert.equal(lines.times.at(-1), 7195);
  assert.ok(lines.times.every((time, index) => index === 0 || time > lines.times[index - 1]));
});

test("what lies before the start is dropped, except the last point before it", () => {
  let lines = emptyLines(1);
  for (const time of [10, 20, 30, 40]) lines = appendPoint(lines, time, { a: time }, 25);

  assert.deepEqual(lines.times, [20, 30, 40]);
});

test("history is continued by newer live points only", () => {
  const history = readHistory([{ legend: "a", series: [{ metric: {}, values: [[130, "1"]] }] }], SPAN);
  let live = emptyLines(10);
  for (const time of [120, 130, 140]) live = appendPoint(live, time, { a: time }, 0);

  const lines = continueWith(history, live, 0);

  assert.deepEqual(lines.times, [100, 110, 120, 130, 140]);
  assert.deepEqual(lines.values, [[null, null, null, 1, 140]]);
});

test("a summary leaves gaps out, and knows that a line of gaps has no values", () => {
  const lines = { step: 1, times: [1, 2, 3], keys: ["a", "b"], values: [[1, null, 3], [null, null, null]] };

  assert.deepEqual(summarize(lines), [
    { key: "a", newest: 3, lowest: 1, mean: 2, highest: 3 },
    { key: "b", newest: null, lowest: null, mean: null, highest: null },
  ]);
});
