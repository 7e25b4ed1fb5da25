/**
 * Verdicts: which is worse, which look they have, and when what is known is too old to be judged.
 */
import type { KpiReading, Targets, Verdict } from "./contract.ts";
import { formatDuration } from "./format.ts";

/** The verdicts, the worst first. */
export const FROM_WORST: readonly Verdict[] = [
  "CRITICAL",
  "WARNING",
  "STALE",
  "NO DATA",
  "OFF TARGET",
  "OK",
];

const STALE_INTERVALS = 3;
const STALE_MIN_SECONDS = 10;

/** Return the worst of some verdicts; NO DATA of none. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  return FROM_WORST.find((verdict) => verdicts.includes(verdict)) ?? "NO DATA";
}

/** Return how bad a verdict is: 0 is the worst. */
export function rank(verdict: Verdict): number {
  return FROM_WORST.indexOf(verdict);
}

/** Return the verdict that an alert of this severity amounts to while it fires. */
export function severityVerdict(alert: {
  severity: string;
}): "CRITICAL" | "WARNING" | "OFF TARGET" {
  if (alert.severity === "critical") return "CRITICAL";
  return alert.severity === "info" ? "OFF TARGET" : "WARNING";
}

/** Return what a KPI's tile says: what sakshi judged, or STALE where that is too old by itself. */
export function shownVerdict(reading: KpiReading | undefined, staleness: string): Verdict {
  return staleness === "" ? (reading?.verdict ?? "NO DATA") : "STALE";
}

/** Return the class that gives an element a verdict's colour (src/style.css). */
export function toneOf(verdict: Verdict): string {
  return `tone-${verdict.toLowerCase().replace(" ", "-")}`;
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
