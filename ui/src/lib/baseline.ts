/**
 * Baselines as sakshi's API tells of them, and how a comparison with one reads.
 *
 * A promise is the way from the baseline to the target. `reached_percent` says how much of it lies
 * behind; negative: the indicator has become worse than the baseline.
 */
import type { Unit } from "./contract.ts";
import { NOTHING } from "./format.ts";

export type Standing = "reached" | "better" | "same" | "worse" | "no data";

export interface BaselineCatalogue {
  indicators: { name: string; group: string; title: string; kpi: string }[];
  baselines: Baseline[];
}

export interface Baseline {
  name: string;
  title: string;
  origin: "configuration" | "recorded";
  recorded_at: string | null;
  over_seconds: number | null;
  /** How many indicators have a value. */
  values: number;
}

export interface Comparison {
  baseline: Baseline;
  at: string;
  over_seconds: number;
  entries: Entry[];
  reached: number;
  missed: number;
  unknown: number;
}

/** One indicator: what it was, is, and should become. */
export interface Entry {
  name: string;
  group: string;
  title: string;
  unit: Unit;
  better: "lower" | "higher";
  baseline: number | null;
  now: number | null;
  target: number | null;
  /** From baseline to now, signed, in % of the baseline. */
  change_percent: number | null;
  /** The promised improvement, in % of the baseline; positive: better. */
  promised_percent: number | null;
  reached_percent: number | null;
  observations: number | null;
  standing: Standing;
  /** Why there is no data; else empty. */
  reason: string;
}

/** How long back a comparison looks. */
export const PERIODS = ["15m", "1h", "24h"] as const;
export type Period = (typeof PERIODS)[number];

const MINUS = "−";
const BAR_MAX = 100; // %: what is more than reached fills the bar

/** Return a change: `−8.3 %`, `+25 %`, `0 %`; an en dash where it is not known. */
export function formatChange(percent: number | null): string {
  if (percent === null) return NOTHING;
  const size = Math.abs(percent);
  const digits = size >= 100 ? size.toFixed(0) : String(Number(size.toFixed(1)));
  if (Number(digits) === 0) return "0 %";
  return `${percent < 0 ? MINUS : "+"}${digits} %`;
}

/** Return whether the change is for the better: `better`, `worse`, `same`; empty: not known. */
export function changeWord(entry: Entry): string {
  if (entry.change_percent === null) return "";
  if (entry.standing !== "reached" && entry.standing !== "no data") return entry.standing;
  if (entry.change_percent === 0) return "same";
  return entry.change_percent < 0 === (entry.better === "lower") ? "better" : "worse";
}

/** Return how much of the promise is kept: `75 % of 11.1 %`; empty where nothing is promised. */
export function formatPromise(entry: Entry): string {
  const { reached_percent: reached, promised_percent: promised } = entry;
  if (reached === null) return "";
  const size = Math.abs(reached).toFixed(0);
  const share = `${reached < 0 && size !== "0" ? MINUS : ""}${size} %`;
  return promised === null ? share : `${share} of ${Number(promised.toFixed(1))} %`;
}

/** Return how much of a bar is filled, in %: from 0, also for what has become worse, to 100. */
export function barFill(reachedPercent: number | null): number {
  return Math.max(0, Math.min(BAR_MAX, reachedPercent ?? 0));
}

/** Return the entries by group, groups in the order in which they first come. */
export function groupEntries(entries: readonly Entry[]): { group: string; entries: Entry[] }[] {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const group = groups.get(entry.group);
    if (group) group.push(entry);
    else groups.set(entry.group, [entry]);
  }
  return [...groups].map(([group, members]) => ({ group, entries: members }));
}

/** Return a group's name in words: `responseTimes` → `Response times`. */
export function groupTitle(name: string): string {
  const words = name.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();
  return (words.charAt(0).toUpperCase() + words.slice(1)).replace(/\bAi\b/, "AI");
}

/** Return the last line of a comparison: `3 of 12 targets reached`, and what is not known. */
export function summarizeComparison(comparison: Comparison): string {
  const { reached, missed, unknown } = comparison;
  const all = reached + missed + unknown;
  if (all === 0) return "No indicator has a target.";
  const without = unknown === 0 ? "" : `, ${unknown} without data`;
  return `${reached} of ${all} ${all === 1 ? "target" : "targets"} reached${without}`;
}
