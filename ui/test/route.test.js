import assert from "node:assert/strict";
import { test } from "node:test";

import { formatRoute, isView, parseRoute } from "../src/lib/route.ts";

test("a hash names a KPI, the baselines, one of them, or an alert", () => {
  assert.deepEqual(parseRoute("#kpi=aiModelResponseTime.venice"), { view: "kpi", name: "aiModelResponseTime.venice" });
  assert.deepEqual(parseRoute("#baselines"), { view: "baselines", name: "" });
  assert.deepEqual(parseRoute("#baselines=release-42"), { view: "baselines", name: "release-42" });
  assert.deepEqual(parseRoute("#alert=0f3a"), { view: "alert", name: "0f3a" });
});

test("everything else is the page", () => {
  for (const hash of ["", "#", "#kpi", "#kpi=", "#alert=", "#KPI=a", "#kpis=a", "#targets"]) {
    assert.deepEqual(parseRoute(hash), { view: "page" }, hash);
  }
});

test("what is formatted is parsed again, whatever the name", () => {
  for (const name of ["plain", "a b", "a=b", "50%", "#&?", "/ö/"]) {
    for (const view of ["kpi", "baselines", "alert"]) {
      assert.deepEqual(parseRoute(formatRoute({ view, name })), { view, name });
    }
  }
  assert.equal(formatRoute({ view: "baselines", name: "" }), "#baselines");
  assert.equal(formatRoute({ view: "page" }), "#");
});

test("a stray percent sign is taken as it is", () => {
  assert.deepEqual(parseRoute("#kpi=50%"), { view: "kpi", name: "50%" });
});

test("a KPI and the baselines are views of their own, an alert is part of the page", () => {
  const views = ["#kpi=a", "#baselines", "#alert=a", ""].map((hash) => isView(parseRoute(hash)));

  assert.deepEqual(views, [true, true, false, false]);
});
