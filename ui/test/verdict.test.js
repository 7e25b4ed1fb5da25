import assert from "node:assert/strict";
import { test } from "node:test";

import { findStaleness, shownVerdict, toneOf, worst } from "../src/lib/verdict.ts";

test("the ranking is CRITICAL, WARNING, STALE, NO DATA, OFF TARGET, OK", () => {
  const ranking = ["OK", "OFF TARGET", "NO DATA", "STALE", "WARNING", "CRITICAL"];

  ranking.forEach((verdict, index) => assert.equal(worst(ranking.slice(0, index + 1)), verdict));
  assert.equal(worst([]), "NO DATA");
});

test("what is too old is shown as stale, and what was never told as NO DATA", () => {
  assert.equal(shownVerdict({ verdict: "OK" }, ""), "OK");
  assert.equal(shownVerdict({ verdict: "OK" }, "No word from sakshi for 20 s"), "STALE");
  assert.equal(shownVerdict(undefined, ""), "NO DATA");
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
