/**
 * The page's one line: the worst of KPIs, firing alerts, and the age of what is known; and why.
 *
 * sakshi's `summary.verdict` is the worst of what the KPIs count as. An alert may watch what no KPI
 * does, so a firing one counts too: critical as CRITICAL, info as OFF TARGET, any other as WARNING. What is
 * too old to be judged is STALE. The KPIs behind the verdict have names, the others are counted.
 */
import type { Alert, AlertCounts, Kpi, KpiReading, Targets, Verdict } from "./contract.ts";
import { formatLimit, formatValue } from "./format.ts";
import { FROM_WORST, rank, severityVerdict, worst } from "./verdict.ts";

export interface Headline {
  verdict: Verdict;
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

interface Judged {
  kpi: Kpi;
  reading: KpiReading;
}

const NAMES_MAX = 3; // of a headline
const COUNTED: Partial<Record<Verdict, string>> = {
  WARNING: "in warning",
  STALE: "stale",
  "OFF TARGET": "off target",
};

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
  const byName = new Map(readings.map((reading) => [reading.name, reading]));
  const judged = kpis.flatMap((kpi) => {
    const reading = byName.get(kpi.name);
    return reading === undefined ? [] : [{ kpi, reading }];
  });
  const missed = judged.filter(({ reading }) => reading.counts_as !== "OK");
  if (missed.length === 0) return describeGood(judged, kpis.length);
  const behind = worst(missed.map(({ reading }) => reading.counts_as));
  const named = missed.filter(({ reading }) => reading.counts_as === behind);
  const others = FROM_WORST.slice(rank(behind) + 1).map((verdict) => {
    const count = missed.filter(({ reading }) => reading.counts_as === verdict).length;
    return describeCount(verdict, count, kpis.length);
  });
  return join([describeNamed(behind, named, kpis.length), ...others]);
}

function describeGood(judged: readonly Judged[], all: number): string {
  const good = judged.filter(({ reading }) => reading.verdict === "OK").length;
  const excused = judged.length - good;
  return join([
    good === 0 ? "" : `${countOf(good, all, "all")} on target`,
    excused === 0 ? "" : `no data for ${countOf(excused, all, "any of")}, which counts as OK`,
  ]);
}

function describeNamed(verdict: Verdict, missed: readonly Judged[], all: number): string {
  if (verdict === "NO DATA") {
    if (missed.length > NAMES_MAX || missed.length === all) {
      return describeCount(verdict, missed.length, all);
    }
    return `no data for ${listed(missed.map(({ kpi }) => kpi.title))}`;
  }
  return listed(missed.map(describeKpi));
}

function describeCount(verdict: Verdict, count: number, all: number): string {
  if (count === 0) return "";
  if (verdict === "NO DATA") return `no data for ${countOf(count, all, "any of")}`;
  return `${count} ${COUNTED[verdict] ?? verdict}`;
}

function describeKpi({ kpi, reading }: Judged): string {
  if (reading.verdict === "STALE") return `${kpi.title} stale`;
  if (reading.verdict === "NO DATA") return `${kpi.title} without data`;
  const limits = { CRITICAL: kpi.critical, WARNING: kpi.warning, "OFF TARGET": kpi.target };
  const limit = limits[reading.verdict as keyof typeof limits];
  const value = `${kpi.title} ${formatValue(reading.value, kpi.unit)}`;
  if (reading.reason !== "") return `${value} (${reading.reason})`;
  if (!limit) return value;
  const word = reading.verdict === "OFF TARGET" ? "target " : "";
  return `${value} (${word}${formatLimit(limit, kpi.unit)})`;
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
