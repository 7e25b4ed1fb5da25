/**
 * The vertical scale of a chart: what it spans, and which limits lie within.
 *
 * A limit is worth seeing when the lines are anywhere near it; one that is far off would press them
 * flat. So near limits stretch the scale, and the next one above the lines does so a little further;
 * the others are named at the edge. A KPI's own chart shows all of them. The upper end is a round number, so that the scale stands still
 * while the newest value wavers.
 */
import type { Threshold, Unit } from "./contract.ts";

const NEAR = 1.6; // times the highest value: limits up to here are always shown
const NEXT_NEAR = 3; // and the first one above the lines up to here
const HEADROOM = 1.08;
const RATIO_PAD = 0.06; // of the span, below and above
const ROUND = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

export interface Extent {
  low: number;
  high: number;
}

/**
 * Return what the scale spans.
 *
 * @param lowest of all visible values; null without any.
 * @param highest likewise.
 * @param showsAll whether all limits lie within, also those far off.
 */
export function chooseExtent(
  lowest: number | null,
  highest: number | null,
  thresholds: readonly Threshold[],
  unit: Unit,
  showsAll = false,
): Extent {
  const limits = thresholds.map((threshold) => threshold.value);
  if (unit === "ratio") return ratioExtent(lowest ?? 1, limits);
  const high = highest ?? 0;
  if (unit === "%") return { low: 0, high: Math.max(100, high * HEADROOM, ...(showsAll ? limits : [])) };
  const shown = nearLimits(limits, high, showsAll || highest === null);
  const top = Math.max(high, ...shown) * HEADROOM;
  return { low: Math.min(0, (lowest ?? 0) * HEADROOM), high: top > 0 ? roundUp(top) : 1 };
}

function nearLimits(limits: readonly number[], high: number, all: boolean): number[] {
  if (all) return [...limits];
  const next = Math.min(...limits.filter((limit) => limit > high));
  return limits.filter((limit) => limit <= high * NEAR || (limit === next && limit <= high * NEXT_NEAR));
}

function ratioExtent(lowest: number, limits: readonly number[]): Extent {
  const low = Math.min(lowest, 0.99, ...limits);
  const pad = (1 - low) * RATIO_PAD;
  return { low: Math.max(0, low - pad), high: 1 + pad };
}

/** Return the smallest round number that is not below a positive one. */
export function roundUp(value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(value));
  const factor = ROUND.find((one) => one * magnitude >= value * (1 - 1e-9)) ?? 10;
  return factor * magnitude;
}
