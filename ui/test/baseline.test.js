import assert from "node:assert/strict";
import { test } from "node:test";

import {
  barFill,
  changeWord,
  formatChange,
  formatPromise,
  groupEntries,
  groupTitle,
  summarizeComparison,
} from "../src/lib/baseline.ts";

const entry = (changes) => ({
  better: "lower",
  change_percent: -8.3333,
  promised_percent: 11.1111,
  reached_percent: 75,
  standing: "better",
  ...changes,
});

test("a change has a sign, a decimal where it matters, and no sign at zero", () => {
  const cases = [[-8.3333, "−8.3 %"], [25, "+25 %"], [0.04, "0 %"], [-0.04, "0 %"], [-123.4, "−123 %"], [null, "–"]];
  for (const [percent, text] of cases) assert.equal(formatChange(percent), text);
});

test("a change is better or worse as the indicator's better side says", () => {
  assert.equal(changeWord(entry({})), "better");
  assert.equal(changeWord(entry({ standing: "worse" })), "worse");
  assert.equal(changeWord(entry({ standing: "reached" })), "better");
  assert.equal(changeWord(entry({ standing: "reached", better: "higher" })), "worse");
  assert.equal(changeWord(entry({ standing: "reached", change_percent: 0 })), "same");
  assert.equal(changeWord(entry({ standing: "no data", change_percent: null })), "");
});

test("a promise is told as the share that is reached, of how much", () => {
  assert.equal(formatPromise(entry({})), "75 % of 11.1 %");
  assert.equal(formatPromise(entry({ reached_percent: -50 })), "−50 % of 11.1 %");
  assert.equal(formatPromise(entry({ reached_percent: -0.1 })), "0 % of 11.1 %");
  assert.equal(formatPromise(entry({ reached_percent: null })), "");
});

test("a bar is empty for what has become worse, and full for what is more than reached", () => {
  assert.deepEqual([-50, 0, 75, 260, null].map(barFill), [0, 0, 75, 100, 0]);
});

test("entries keep their order within groups, groups that of their first entries", () => {
  const entries = [["a", 1], ["b", 2], ["a", 3]].map(([group, id]) => ({ group, id }));

  assert.deepEqual(
    groupEntries(entries).map(({ group, entries: members }) => [group, members.map(({ id }) => id)]),
    [["a", [1, 3]], ["b", [2]]],
  );
});

test("a group's name is told in words", () => {
  assert.equal(groupTitle("responseTimes"), "Response times");
  assert.equal(groupTitle("aiQuality"), "AI quality");
});

test("a comparison ends with how many targets are reached", () => {
  const line = (reached, missed, unknown) => summarizeComparison({ reached, missed, unknown });

  assert.equal(line(3, 9, 0), "3 of 12 targets reached");
  assert.equal(line(3, 8, 1), "3 of 12 targets reached, 1 without data");
  assert.equal(line(1, 0, 0), "1 of 1 target reached");
  assert.equal(line(0, 0, 0), "No indicator has a target.");
});
