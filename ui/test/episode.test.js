import assert from "node:assert/strict";
import { test } from "node:test";

import { layBands } from "../src/lib/band.ts";
import { continueEpisodes, describeMoment, earlierEpisodes, readEpisodes } from "../src/lib/episode.ts";

const moment = (seconds) => new Date(seconds * 1000).toISOString();
const transition = (at, state, fingerprint = "f") => ({
  at: moment(at),
  state,
  previous: "",
  name: "High",
  fingerprint,
  labels: { severity: "critical" },
});
const alert = (active, fired = null, resolved = null) => ({
  fingerprint: "f",
  name: "High",
  severity: "critical",
  active_at: moment(active),
  fired_at: fired === null ? null : moment(fired),
  resolved_at: resolved === null ? null : moment(resolved),
});
const episode = (active, fired, ended) => ({
  fingerprint: "f",
  name: "High",
  severity: "critical",
  active,
  fired,
  ended,
});

test("transitions become one episode for each run of an alert", () => {
  const told = [
    transition(90, "pending"),
    transition(60, "inactive"),
    transition(50, "pending"),
    transition(40, "resolved"),
    transition(20, "firing"),
    transition(10, "pending"),
  ];

  assert.deepEqual(readEpisodes(told), [episode(10, 20, 40), episode(50, null, 60), episode(90, null, null)]);
});

test("an end whose beginning is forgotten is no episode", () => {
  assert.deepEqual(readEpisodes([transition(40, "resolved")]), []);
});

test("an alert continues its episode instead of beginning another", () => {
  const episodes = continueEpisodes([episode(10, null, null)], [alert(10.4, 20)], true, 30);

  assert.deepEqual(episodes, [episode(10.4, 20, null)]);
});

test("an open episode that a whole message does not name is over; a cut one says nothing of it", () => {
  assert.deepEqual(continueEpisodes([episode(10, null, null)], [], true, 30), [episode(10, null, 30)]);
  assert.deepEqual(continueEpisodes([episode(10, null, null)], [], false, 30), [episode(10, null, null)]);
});

test("earlier episodes are those that fired, are over, and are on no card", () => {
  const all = [episode(10, 20, 30), episode(40, null, 50), episode(60, 70, 80)];

  assert.deepEqual(earlierEpisodes(all, [alert(60, 70, 80)]), [episode(10, 20, 30)]);
});

test("a moment names what was pending and firing then", () => {
  const all = [episode(10, 20, 30)];

  assert.equal(describeMoment(all, 15), "High pending");
  assert.equal(describeMoment(all, 25), "High firing");
  assert.equal(describeMoment(all, 31), "");
});

test("overlapping episodes of one severity are one band of each kind", () => {
  const bands = layBands([episode(10, 20, 30), episode(15, 25, null)], 0, 100);

  assert.deepEqual(bands, [
    { kind: "pending", isCritical: true, start: 10, end: 25, isOpen: false },
    { kind: "firing", isCritical: true, start: 20, end: 100, isOpen: true },
  ]);
});

test("what lies outside the visible span is no band", () => {
  assert.deepEqual(layBands([episode(10, 20, 30)], 31, 100), []);
  assert.deepEqual(layBands([episode(110, null, null)], 31, 100), []);
});
