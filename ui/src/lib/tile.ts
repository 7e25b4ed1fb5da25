/** What a KPI's tile says: one place for the forms that a tile can have. */
import type { Kpi, KpiReading, Verdict } from "./contract.ts";
import { LIMIT_NAMES } from "./distance.ts";
import { formatAge, formatClock, formatLimit, formatQuantity, parseSeconds, type Quantity } from "./format.ts";
import { formatRoute } from "./route.ts";
import { shownVerdict } from "./verdict.ts";

export interface TileText {
  href: string;
  verdict: Verdict;
  quantity: Quantity;
  /** How long the verdict has been what it is; empty where that is not known. */
  age: string;
  /** The same as a moment. */
  since: string | null;
  /** What is wrong with the KPI itself; else empty. */
  warning: string;
  /** Everything there is to say, one line each. */
  tooltip: string;
}

export function describeTile(
  kpi: Kpi,
  reading: KpiReading | undefined,
  staleness: string,
  now: number,
): TileText {
  const verdict = shownVerdict(reading, staleness);
  const since = staleness === "" ? (reading?.since ?? null) : null;
  const seconds = since === null ? null : parseSeconds(since);
  const limits = LIMIT_NAMES.flatMap((name) =>
    kpi[name] ? [`${name} ${formatLimit(kpi[name], kpi.unit)}`] : [],
  );
  const excuse =
    reading !== undefined && reading.counts_as !== reading.verdict ? `counts as ${reading.counts_as}` : "";
  const lines = [
    kpi.title,
    seconds === null ? verdict : `${verdict} since ${formatClock(seconds)}`,
    reading?.reason,
    excuse,
    reading?.warning,
    ...limits,
    kpi.metric,
  ];
  return {
    href: formatRoute({ view: "kpi", name: kpi.name }),
    verdict,
    quantity: formatQuantity(reading?.value, kpi.unit),
    age: seconds === null ? "" : formatAge(now - seconds),
    since,
    warning: reading?.warning ?? "",
    tooltip: lines.filter(Boolean).join("\n"),
  };
}
