/**
 * Routes: what the part of the address behind `#` asks for.
 *
 *     #kpi=overallResponseTime    a KPI's own view
 *     #baselines                  the baselines; #baselines=NAME: that one
 *     #alert=0f3a5b7c9d1e2f40     the page, at an alert's card: what notifications link to
 *     anything else               the page
 */
export type Route =
  | { view: "page" }
  | { view: "kpi"; name: string }
  | { view: "baselines"; name: string }
  | { view: "alert"; name: string };

const NAMED = ["kpi", "baselines", "alert"] as const;

/** Return the route of a location's hash: with `#`, or empty. */
export function parseRoute(hash: string): Route {
  const [view, ...rest] = hash.replace(/^#/, "").split("=");
  const name = decode(rest.join("="));
  if (view === "baselines") return { view, name };
  const named = NAMED.find((one) => one === view);
  return named === undefined || name === "" ? { view: "page" } : { view: named, name };
}

/** Return the hash of a route; `#` alone is the page. */
export function formatRoute(route: Route): string {
  if (route.view === "page") return "#";
  return route.name === "" ? `#${route.view}` : `#${route.view}=${encodeURIComponent(route.name)}`;
}

/** Tell whether a route is shown in a view of its own, before the page. */
export function isView(route: Route): boolean {
  return route.view === "kpi" || route.view === "baselines";
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray %: taken as it is
  }
}
