import assert from "node:assert/strict";
import { test } from "node:test";

import {
  formatAge,
  formatCountdown,
  formatDuration,
  formatLimit,
  formatMeasured,
  formatPlain,
  formatValue,
} from "../src/lib/format.ts";

test("values have about three digits that matter, and their unit", () => {
  const cases = [
    [1240.5, "ms", "1,241 ms"],
    [41.5, "%", "41.5 %"],
    [4.05, "ms", "4.05 ms"],
    [0.0742, "ms", "0.074 ms"],
    [0, "/s", "0 /s"],
    [3, "", "3"],
    [0.98249, "ratio", "0.982"],
    [1536, "bytes", "1.5 KiB"],
    [500, "bytes", "500 B"],
    [null, "ms", "–"],
    [undefined, "ms", "–"],
  ];
  for (const [value, unit, text] of cases) assert.equal(formatValue(value, unit), text);
});

test("limits and axes have as few decimals as they need", () => {
  assert.equal(formatLimit({ operator: "<", value: 2000, text: "" }, "ms"), "< 2,000 ms");
  assert.equal(formatLimit({ operator: ">", value: 0.8, text: "" }, "ratio"), "> 0.8");
  assert.equal(formatPlain(2 ** 30, "bytes"), "1 GiB");
});

test("durations name their two largest units", () => {
  const cases = [
    [-3, "0.0 s"],
    [0.83, "0.8 s"],
    [42.9, "42 s"],
    [125, "2 m 05 s"],
    [3840, "1 h 04 m"],
    [273_600, "3 d 4 h"],
  ];
  for (const [seconds, text] of cases) assert.equal(formatDuration(seconds), text);
});

test("a countdown ends at zero and never shows it early", () => {
  assert.equal(formatCountdown(3.2), "0:04");
  assert.equal(formatCountdown(125), "2:05");
  assert.equal(formatCountdown(3600), "1:00:00");
  assert.equal(formatCountdown(-5), "0:00");
});

test("a number of unknown unit has four digits that matter", () => {
  assert.equal(formatMeasured(0.8361702127659576), "0.8362");
  assert.equal(formatMeasured(3412.54), "3,413");
  assert.equal(formatMeasured(null), "–");
});

test("an age is told in its largest unit, and is never negative", () => {
  const cases = [[-5, "0s"], [59.9, "59s"], [60, "1m"], [3599, "59m"], [3600, "1h"], [86_399, "23h"], [86_400, "1d"]];
  for (const [seconds, text] of cases) assert.equal(formatAge(seconds), text);
});
