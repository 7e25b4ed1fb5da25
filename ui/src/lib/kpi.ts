/** What the page says of a KPI beside its value: how it is measured and judged, and by what. */
import type { Aggregation, Alert, Kpi, KpiReading, KpiRule, NoDataPolicy, Panel, Statistic } from "./contract.ts";
import { LIMIT_NAMES } from "./distance.ts";
import { formatMeasured } from "./format.ts";

export const KPI_LEGEND = "value"; // the key of a KPI's only line

const STATISTICS: Record<Statistic, string> = {
  mean: "mean",
  p50: "median",
  p90: "90th percentile",
  p95: "95th percentile",
  p99: "99th percentile",
  min: "lowest value",
  max: "highest value",
  rate: "rate",
  share: "share",
  current: "current value",
};
const AGGREGATIONS: Record<Aggregation, string> = {
  none: "none: one series is judged",
  sum: "sum of all series",
  avg: "mean of all series",
  min: "lowest of all series",
  max: "highest of all series",
};
const NO_DATA: Record<NoDataPolicy, string> = {
  alert: "counts as NO DATA, and alerts",
  keep: "keeps the verdict before",
  ok: "counts as OK",
};

export interface Fact {
  name: string;
  text: string;
  /** Whether it is PromQL. */
  isCode: boolean;
}

/** Return the panel that draws a KPI's recorded value with all its limits. */
export function kpiPanel(kpi: Kpi): Panel {
  return {
    id: `kpi:${kpi.name}`,
    title: kpi.title,
    unit: kpi.unit,
    queries: [{ legend: KPI_LEGEND, expr: kpi.series }],
    thresholds: LIMIT_NAMES.flatMap((name) => (kpi[name] ? [{ name, value: kpi[name].value }] : [])),
  };
}

/** Return how a KPI is measured and judged, one line each. */
export function listFacts(kpi: Kpi, reading: KpiReading | undefined): Fact[] {
  return [
    fact("Statistic", STATISTICS[kpi.statistic] ?? kpi.statistic),
    fact("Window", kpi.window || "none"),
    fact("Aggregation", AGGREGATIONS[kpi.aggregation] ?? kpi.aggregation),
    fact("Observations", describeObservations(kpi, reading)),
    kpi.condition === "" ? fact("Condition", "none: always judged") : code("Condition", kpi.condition),
    kpi.covered_by === "" ? fact("Coverage", "not demanded") : code("Coverage", kpi.covered_by),
    fact("Without data", NO_DATA[kpi.no_data] ?? kpi.no_data),
    fact("Recovery", describeRecovery(kpi.recovery)),
    kpi.metric === "" ? fact("Metric", "none of its own") : code("Metric", kpi.metric),
  ];
}

function fact(name: string, text: string): Fact {
  return { name, text, isCode: false };
}

function code(name: string, text: string): Fact {
  return { name, text, isCode: true };
}

/** Return on how much the value rests, and how much it takes: `312, at least 10 are needed`. */
export function describeObservations(kpi: Kpi, reading: KpiReading | undefined): string {
  if (kpi.observations === "") return "not counted";
  const count = reading?.observations ?? null;
  const known = count === null ? "not known" : formatMeasured(Math.round(count));
  return kpi.min_observations > 0 ? `${known}, at least ${kpi.min_observations} are needed` : known;
}

function describeRecovery(share: number): string {
  return share === 0 ? "at the limit itself" : `once ${formatMeasured(100 * share)} % inside the limit`;
}

export interface RuleNow {
  rule: KpiRule;
  state: "firing" | "pending" | "inactive";
  /** The alerts of it that are pending or firing, firing ones first. */
  alerts: Alert[];
}

/** Return a KPI's rules with what they say now. */
export function listRules(kpi: Kpi, alerts: readonly Alert[]): RuleNow[] {
  return kpi.rules.map((rule) => {
    const active = alerts.filter((alert) => alert.state !== "resolved" && isOf(alert, rule, kpi));
    const firing = active.filter((alert) => alert.state === "firing");
    const pending = active.filter((alert) => alert.state === "pending");
    const state = firing.length > 0 ? "firing" : pending.length > 0 ? "pending" : "inactive";
    return { rule, state, alerts: [...firing, ...pending] };
  });
}

/** The rules on a KPI's limits share a name, and differ by severity. */
function isOf(alert: Alert, rule: KpiRule, kpi: Kpi): boolean {
  return alert.name === rule.alert && alert.severity === rule.severity && isAbout(alert, kpi);
}

/** Alerts on KPIs say which one by the label `kpi`; other rules have none. */
function isAbout(alert: Pick<Alert, "labels">, kpi: Kpi): boolean {
  return (alert.labels.kpi ?? kpi.name) === kpi.name;
}

/** Return the KPIs that an alert's rule watches. */
export function watchedKpis(kpis: readonly Kpi[], alert: Pick<Alert, "name" | "labels">): Kpi[] {
  return kpis.filter((kpi) => {
    return isAbout(alert, kpi) && kpi.rules.some((rule) => rule.alert === alert.name);
  });
}
