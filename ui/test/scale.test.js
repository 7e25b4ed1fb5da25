import assert from "node:assert/strict";
import { test } from "node:test";

import { chooseExtent, roundUp } from "../src/lib/scale.ts";

const LIMITS = [2000, 3000, 5000].map((value) => ({ name: "", value }));

test("near limits stretch the scale, far ones do not", () => {
  assert.deepEqual(chooseExtent(500, 900, LIMITS, "ms"), { low: 0, high: 2500 });
  assert.deepEqual(chooseExtent(500, 600, LIMITS, "ms"), { low: 0, high: 800 });
  assert.deepEqual(chooseExtent(500, 3500, LIMITS, "ms"), { low: 0, high: 6000 });
});

test("without data the scale shows the limits, and something where there are none", () => {
  assert.deepEqual(chooseExtent(null, null, LIMITS, "ms"), { low: 0, high: 6000 });
  assert.deepEqual(chooseExtent(null, null, [], "/s"), { low: 0, high: 1 });
});

test("percent reach from 0 to 100 at least", () => {
  assert.deepEqual(chooseExtent(3, 40, [], "%"), { low: 0, high: 100 });
});

test("ratios reach from below the lowest value or limit to a little above 1", () => {
  const { low, high } = chooseExtent(0.98, 1, [{ name: "", value: 0.9 }], "ratio");

  assert.ok(low < 0.9 && low > 0.88 && high > 1 && high < 1.02, `${low} to ${high}`);
});

test("rounding up yields a round number that is not below", () => {
  const cases = [[1, 1], [972, 1000], [1.1, 1.2], [0.31, 0.4], [2100, 2500], [10, 10]];
  for (const [value, rounded] of cases) assert.ok(Math.abs(roundUp(value) - rounded) < 1e-9, `${value}`);
});

test("a KPI's own chart reaches to all its limits", () => {
  assert.deepEqual(chooseExtent(500, 600, LIMITS, "ms", true), { low: 0, high: 6000 });
  assert.deepEqual(chooseExtent(3, 40, [{ name: "", value: 120 }], "%", true), { low: 0, high: 120 });
  assert.deepEqual(chooseExtent(3, 40, [{ name: "", value: 120 }], "%"), { low: 0, high: 100 });
});
