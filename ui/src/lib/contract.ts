/**
 * What sakshi says: the live messages, the definition, the transitions.
 *
 * docs/formats/websocket.md describes them. Moments are ISO 8601 texts, durations are seconds, and a
 * number that is none is null. Fields that are not listed here are ignored.
 */

export type Verdict = "OK" | "OFF TARGET" | "WARNING" | "CRITICAL" | "NO DATA" | "STALE";
export type LimitName = "target" | "warning" | "critical";
export type AlertState = "pending" | "firing" | "resolved";
export type DeliveryState = "waiting" | "delivered" | "skipped" | "dead";
export type Unit = "ms" | "s" | "%" | "/s" | "/h" | "bytes" | "ratio" | "";

export interface AlertCounts {
  pending: number;
  firing: number;
}

export interface MetricsUpdate {
  type: "metrics_update";
  timestamp: string;
  data_age_seconds: number | null;
  summary: AlertCounts & { verdict: Verdict };
  kpis: KpiReading[];
  /** One live point for each line of each panel, by panel id and series key. */
  panels: Record<string, Record<string, number | null>>;
  targets: Targets;
  alerts: Alert[];
}

export interface AlertsUpdate {
  type: "alerts_update";
  timestamp: string;
  summary: AlertCounts;
  truncated: number;
  alerts: Alert[];
}

export type Message = MetricsUpdate | AlertsUpdate;

/** A judgement of a KPI. */
export interface KpiReading {
  name: string;
  /** In the KPI's unit; under STALE the last one known, under NO DATA one that is not judged. */
  value: number | null;
  verdict: Verdict;
  /** When the verdict became what it is; null: not judged yet. */
  since: string | null;
  /** How many observations the value rests on; null where the KPI does not count them. */
  observations: number | null;
  /** How far the value is from each limit: positive on the good side. Empty without a value. */
  distances: Partial<Record<LimitName, number>>;
  /** What it contributes to the overall verdict. */
  counts_as: Verdict;
  /** Why it is not judged, or why the verdict is worse than the value alone says; else empty. */
  reason: string;
  /** What is wrong with the KPI itself; else empty. */
  warning: string;
}

export interface Targets {
  up: number;
  down: number;
  unknown: number;
  items: Target[];
}

export interface Target {
  job: string;
  instance: string;
  health: "up" | "down" | "unknown";
  last_scrape: string | null;
  last_error: string;
  interval_seconds: number;
  duration_seconds: number;
  samples: number;
}

export interface Alert {
  fingerprint: string;
  name: string;
  state: AlertState;
  severity: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  value: number | null;
  rule: { file: string; group: string; expr: string } | null;
  hold_seconds: number;
  active_at: string;
  fires_at: string | null;
  fired_at: string | null;
  resolved_at: string | null;
  deliveries: Delivery[];
}

export interface Delivery {
  id: number;
  receiver: string;
  integration: string;
  told_state: string;
  state: DeliveryState;
  transition_at: string;
  due_at: string | null;
  attempts: number;
  last_error: string;
  delivered_at: string | null;
}

export interface Definition {
  version: string;
  interval_seconds: number;
  window: string;
  groups: { name: string; title: string }[];
  kpis: Kpi[];
  panels: Panel[];
}

export interface Limit {
  operator: "<" | ">";
  value: number;
  text: string;
}

export type Statistic =
  "mean" | "p50" | "p90" | "p95" | "p99" | "min" | "max" | "rate" | "share" | "current";
export type Aggregation = "none" | "sum" | "avg" | "min" | "max";
export type NoDataPolicy = "alert" | "keep" | "ok";

export interface Kpi {
  name: string;
  group: string;
  title: string;
  metric: string;
  unit: Unit;
  /** What is asked, the window filled in. */
  expr: string;
  /** Its recorded value, one series with the label `kpi`: what charts and sparklines query. */
  series: string;
  statistic: Statistic;
  aggregation: Aggregation;
  window: string;
  /** PromQL that counts the observations; empty: they are not counted. */
  observations: string;
  min_observations: number;
  /** PromQL: judged only while it yields something; empty: always. */
  condition: string;
  /** A selector of series that must span the window; empty: none must. */
  covered_by: string;
  /** Share of a limit by which the value must be back on the good side. */
  recovery: number;
  no_data: NoDataPolicy;
  target: Limit | null;
  warning: Limit | null;
  critical: Limit | null;
  rules: KpiRule[];
  /** Names of the baseline indicators that are about it. */
  indicators: string[];
}

export interface KpiRule {
  alert: string;
  /** The label `severity`; empty where there is none. */
  severity: string;
  /** What it watches; empty where its severity tells of none. */
  limit: LimitName | "no_data" | "";
  expr: string;
  hold_seconds: number;
  file: string;
  group: string;
}

export interface Panel {
  id: string;
  title: string;
  unit: Unit;
  queries: PanelQuery[];
  thresholds: Threshold[];
}

export interface PanelQuery {
  legend: string;
  expr: string;
}

export interface Threshold {
  name: string;
  value: number;
}

export interface Transition {
  at: string;
  previous: string;
  state: string;
  name: string;
  fingerprint: string;
  labels: Record<string, string>;
}

/** Return a live message; null where the text is none, or of a type that this page does not know. */
export function readMessage(text: string): Message | null {
  let message: { type?: unknown } | null;
  try {
    message = JSON.parse(text) as { type?: unknown } | null;
  } catch {
    return null;
  }
  const isKnown = message?.type === "metrics_update" || message?.type === "alerts_update";
  return isKnown ? (message as Message) : null;
}
