import assert from "node:assert/strict";
import { test } from "node:test";

import { alignSpan, chooseRange, chooseStep, parseDuration, POINTS_MAX, RANGES } from "../src/lib/span.ts";

test("no range asks for more points than the limit, nor for finer ones than the data", () => {
  for (const { seconds } of RANGES) {
    for (const interval of [1, 2.5, 5, 60]) {
      const step = chooseStep(seconds, interval);
      assert.ok(seconds / step <= POINTS_MAX && step >= interval, `${seconds} s every ${interval} s: ${step} s`);
    }
  }
});

test("a span's edges are multiples of its step, and its end is not in the future", () => {
  assert.deepEqual(alignSpan(101, 139, 10), { start: 100, end: 130, step: 10 });
});

test("the first range shows at least three windows, the longest one where none is long enough", () => {
  assert.equal(chooseRange("15s").label, "5m");
  assert.equal(chooseRange("5m").label, "15m");
  assert.equal(chooseRange("1d").label, "6h");
});

test("durations are Prometheus'", () => {
  assert.equal(parseDuration("1m30s"), 90);
  assert.equal(parseDuration("500ms"), 0.5);
  assert.equal(parseDuration("1h"), 3600);
});
