/**
 * The overview of all KPIs: groups on a grid of equal tiles.
 *
 *     Response time ────────────────────────────  Throughput ──────────
 *     [    ] [    ] [    ] [    ] [    ] [    ]   [    ] [    ] [    ]
 *     Resources ──────────────────  AI quality ──────────────────────
 *     [    ] [    ] [    ] [    ]   ○ Synthesis  NO DATA  ○ Selection ...
 *
 * A group that has had no data yet is condensed to lines, so that what there is to see stays in sight;
 * it opens with its first data, and stays open; the groups beside it stay where they are. Above DENSE_ABOVE KPIs all are lines, in a box of fixed
 * height that a verdict can be chosen in.
 */
import type { Kpi, KpiReading, Verdict } from "./contract.ts";
import { FROM_WORST, shownVerdict } from "./verdict.ts";

export const DENSE_ABOVE = 44; // KPIs: twice the strategy's
export const TILE_GAP = 6; // CSS pixels, as all below
const TILE_WIDTH_MIN = 108;
const LINE_WIDTH_MIN = 270;
const COLUMNS_MIN = 2;

export interface Group {
  name: string;
  title: string;
  kpis: Kpi[];
}

/** Return the groups with their KPIs, both in the definition's order. */
export function groupKpis(
  groups: readonly { name: string; title: string }[],
  kpis: readonly Kpi[],
): Group[] {
  return groups.map(({ name, title }) => ({
    name,
    title,
    kpis: kpis.filter((kpi) => kpi.group === name),
  }));
}

/** Return how many tiles, or lines, stand beside each other. */
export function countColumns(width: number, isDense: boolean): number {
  const least = isDense ? LINE_WIDTH_MIN : TILE_WIDTH_MIN;
  const columns = Math.floor((width + TILE_GAP) / (least + TILE_GAP));
  return Math.max(isDense ? 1 : COLUMNS_MIN, columns);
}

/**
 * Return how many columns each group spans: as many as it has KPIs, but a condensed one at the end of
 * its row takes the rest of it. Which groups share a row does not depend on what is condensed.
 */
export function spanGroups(
  sizes: readonly { count: number; isCondensed: boolean }[],
  columns: number,
): number[] {
  const spans: number[] = [];
  let used = 0;
  sizes.forEach(({ count }, index) => {
    const span = Math.min(count, columns);
    const before = sizes[index - 1];
    if (used + span > columns) {
      if (before?.isCondensed) spans[index - 1]! += columns - used;
      used = 0;
    }
    spans.push(span);
    used += span;
  });
  if (sizes.at(-1)?.isCondensed) spans[sizes.length - 1]! += columns - used;
  return spans;
}

/** Return which groups have data now, or had before: the names of their groups. */
export function groupsWithData(
  groups: readonly Group[],
  readings: ReadonlyMap<string, KpiReading>,
  before: ReadonlySet<string>,
): ReadonlySet<string> {
  const fresh = groups.filter(({ name, kpis }) => {
    const isSilent = (kpi: Kpi) => (readings.get(kpi.name)?.verdict ?? "NO DATA") === "NO DATA";
    return !before.has(name) && !kpis.every(isSilent);
  });
  return fresh.length === 0 ? before : new Set([...before, ...fresh.map(({ name }) => name)]);
}

/** Return how many KPIs have each verdict, the worst verdict first. */
export function countVerdicts(
  kpis: readonly Kpi[],
  readings: ReadonlyMap<string, KpiReading>,
  staleness: string,
): { verdict: Verdict; count: number }[] {
  const shown = kpis.map((kpi) => shownVerdict(readings.get(kpi.name), staleness));
  return FROM_WORST.map((verdict) => ({
    verdict,
    count: shown.filter((one) => one === verdict).length,
  }));
}
