import assert from "node:assert/strict";
import { test } from "node:test";

import { distinguish, groupAlerts } from "../src/lib/alert-group.ts";
import { drawSpark } from "../src/lib/spark.ts";

const lines = (values) => ({ step: 10, times: values.map((_, index) => index * 10), keys: ["value"], values: [values] });

test("a sparkline breaks at a gap and ends at the newest value", () => {
  const spark = drawSpark(lines([1, 2, null, 3]), 0, 30);

  assert.equal(spark.path.match(/M/g).length, 2);
  assert.equal(spark.newest.x, 100);
});

test("without data there is no sparkline; a gap at its end has no newest value", () => {
  assert.deepEqual(drawSpark(undefined, 0, 30), { path: "", newest: null });
  assert.deepEqual(drawSpark(lines([null, null]), 0, 30), { path: "", newest: null });
  assert.equal(drawSpark(lines([1, null]), 0, 30).newest, null);
});

test("a little noise stays a nearly flat line", () => {
  const { newest } = drawSpark(lines([1000, 1001]), 0, 10);

  assert.ok(Math.abs(newest.y - 12) < 0.5, `${newest.y}`);
});

test("alerts are grouped by name and state, in the order of the first ones", () => {
  const alert = (name, state) => ({ name, state });
  const groups = groupAlerts([alert("A", "firing"), alert("B", "firing"), alert("A", "firing"), alert("A", "pending")]);

  assert.deepEqual(
    groups.map((group) => [group.id, group.alerts.length]),
    [["firing A", 2], ["firing B", 1], ["pending A", 1]],
  );
});

test("an alert's own labels tell it from its siblings", () => {
  const labels = { alertname: "A", severity: "warning", session_id: "s-7", user_id: "u-1" };

  assert.equal(distinguish({ labels }), "session_id=s-7 user_id=u-1");
  assert.equal(distinguish({ labels: { alertname: "A" } }), "");
});
