/**
 * The page's one-line verdict: the worst of KPIs, firing alerts, and the age of what is known.
 *
 * sakshi's `summary.verdict` is the worst of the KPIs. An alert may watch what no KPI does, so a firing
 * one counts too: critical as CRITICAL, any other as WARNING. What is too old to be judged is STALE.
 */
import type { Alert, AlertCounts, Kpi, KpiReading, Targets, Verdict } from "./contract.ts";
import { formatDuration, formatLimit, formatValue } from "./format.ts";

export type Shown = Verdict | "STALE";

export interface Headline {
  verdict: Shown;
  text: string;
  /** What a screen reader is told when it changes: the verdict and the alerts, no wavering numbers. */
  announcement: string;
}

/** What a headline is made of; all of one moment. */
export interface Situation {
  /** Of the KPIs; null before the first message. */
  verdict: Verdict | null;
  counts: AlertCounts;
  alerts: readonly Alert[];
  kpis: readonly Kpi[];
  readings: readonly KpiReading[];
  targets: Targets | null;
  /** Why what is shown is too old to be judged; empty where it is not. */
  staleness: string;
}

const FROM_WORST: readonly Shown[] = ["CRITICAL", "WARNING", "NO DATA", "OFF TARGET", "OK"];
const NAMES_MAX = 3; // of a headline
const STALE_INTERVALS = 3;
const STALE_MIN_SECONDS = 10;

export function composeHeadline(situation: Situation): Headline {
  if (situation.verdict === null) {
    const text = "Waiting for sakshi’s first message";
    return { verdict: "NO DATA", text, announcement: text };
  }
  if (situation.staleness !== "") {
    return { verdict: "STALE", text: situation.staleness, announcement: "STALE" };
  }
  const firing = situation.alerts.filter((alert) => alert.state === "firing");
  const verdict = worst([situation.verdict, ...firing.map(severityVerdict)]);
  const alerts = describeAlerts(firing, situation.counts);
  const parts = [...alerts, describeTargets(situation.targets), describeKpis(situation)];
  return { verdict, text: join(parts), announcement: join([verdict, ...alerts]) };
}

function join(parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" · ");
}

/**
 * Return why a message's content is too old to be judged; empty where it is not.
 *
 * @param silentSeconds since the newest message.
 * @param dataAgeSeconds of the newest sample when that message was made; null: there is none.
 */
export function findStaleness(
  silentSeconds: number,
  intervalSeconds: number,
  dataAgeSeconds: number | null,
  targets: Targets,
): string {
  if (silentSeconds > staleAfter(intervalSeconds)) {
    return `No word from sakshi for ${formatDuration(silentSeconds)}`;
  }
  if (targets.items.length === 0) return "";
  const slowest = Math.max(intervalSeconds, ...targets.items.map((one) => one.interval_seconds));
  if (dataAgeSeconds !== null && dataAgeSeconds > staleAfter(slowest)) {
    return `No target has answered for ${formatDuration(dataAgeSeconds)}`;
  }
  return "";
}

function staleAfter(intervalSeconds: number): number {
  return Math.max(STALE_MIN_SECONDS, STALE_INTERVALS * intervalSeconds);
}

function worst(verdicts: readonly Shown[]): Shown {
  return FROM_WORST.find((verdict) => verdicts.includes(verdict)) ?? "NO DATA";
}

/** Return the verdict that an alert of this severity amounts to while it fires. */
export function severityVerdict(alert: { severity: string }): "CRITICAL" | "WARNING" {
  return alert.severity === "critical" ? "CRITICAL" : "WARNING";
}

function describeAlerts(firing: readonly Alert[], counts: AlertCounts): string[] {
  const names = [...new Set(firing.map((alert) => alert.name))];
  return [
    names.length === 0 ? "" : `${listed(names)} firing`,
    counts.pending === 0 ? "" : `${counts.pending} ${plural("alert", counts.pending)} pending`,
  ];
}

function describeTargets(targets: Targets | null): string {
  if (targets === null || targets.down === 0) return "";
  const all = targets.up + targets.down + targets.unknown;
  if (all === 1) return "the only target is down";
  return `${targets.down} of ${all} targets ${targets.down === 1 ? "is" : "are"} down`;
}

function describeKpis({ kpis, readings }: Situation): string {
  if (kpis.length === 0) return "no KPIs are configured";
  const missed = kpis.flatMap((kpi) => {
    const reading = readings.find((one) => one.name === kpi.name);
    return reading === undefined || reading.verdict === "OK" ? [] : [{ kpi, reading }];
  });
  if (missed.length === 0) return `${countOf(kpis.length, kpis.length, "all")} on target`;
  const silent = missed.filter(({ reading }) => reading.verdict === "NO DATA");
  const judged = missed
    .filter(({ reading }) => reading.verdict !== "NO DATA")
    .sort((left, right) => rank(left.reading) - rank(right.reading))
    .map(({ kpi, reading }) => describeKpi(kpi, reading));
  const missing = silent.length === 0 ? "" : `no data for ${countOf(silent.length, kpis.length, "any of")}`;
  return join([listed(judged), missing]);
}

function describeKpi(kpi: Kpi, reading: KpiReading): string {
  const limits = { CRITICAL: kpi.critical, WARNING: kpi.warning, "OFF TARGET": kpi.target };
  const limit = limits[reading.verdict as keyof typeof limits];
  const value = `${kpi.title} ${formatValue(reading.value, kpi.unit)}`;
  if (!limit) return value;
  const word = reading.verdict === "OFF TARGET" ? "target " : "";
  return `${value} (${word}${formatLimit(limit, kpi.unit)})`;
}

function rank(reading: KpiReading): number {
  return FROM_WORST.indexOf(reading.verdict);
}

function listed(items: readonly string[]): string {
  const more = items.length - NAMES_MAX;
  return items.slice(0, NAMES_MAX).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function countOf(count: number, all: number, everyWord: string): string {
  if (all === 1) return "the only indicator";
  return count === all ? `${everyWord} ${all} indicators` : `${count} of ${all} indicators`;
}

function plural(noun: string, count: number): string {
  return count === 1 ? noun : `${noun}s`;
}

/** Return the class that gives an element a verdict's colour (src/style.css). */
export function toneOf(verdict: Shown): string {
  return `tone-${verdict.toLowerCase().replace(" ", "-")}`;
}
