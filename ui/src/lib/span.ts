/**
 * Spans of time and the steps at which they are drawn.
 *
 * A span's edges are multiples of its step, so that the same history asked for twice has the same
 * points, and a live point can take the place of its step.
 */

export const POINTS_MAX = 600; // of a chart's line: about one for each pixel
export const SPARK_POINTS_MAX = 60; // of a tile's

/** A span of time: seconds since the epoch, both edges inclusive. */
export interface Span {
  start: number;
  end: number;
  step: number;
}

export interface Range {
  label: string;
  title: string;
  seconds: number;
}

export const RANGES: readonly Range[] = [
  { label: "5m", title: "5 minutes", seconds: 300 },
  { label: "15m", title: "15 minutes", seconds: 900 },
  { label: "1h", title: "1 hour", seconds: 3600 },
  { label: "6h", title: "6 hours", seconds: 21600 },
];

/** Return the step, in whole seconds: no finer than the data, and at most so many points. */
export function chooseStep(seconds: number, intervalSeconds: number, pointsMax = POINTS_MAX): number {
  return Math.max(1, Math.ceil(intervalSeconds), Math.ceil(seconds / pointsMax));
}

/** Return the span between two moments, its edges moved outward to the left and inward at the right. */
export function alignSpan(start: number, end: number, step: number): Span {
  return { start: Math.floor(start / step) * step, end: Math.floor(end / step) * step, step };
}

const WINDOWS_SHOWN = 3; // the first range shows at least so many windows
const DURATION_PART = /(\d+)(ms|[smhdwy])/g;
const UNIT_SECONDS: Record<string, number> = {
  ms: 0.001,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
  y: 31_536_000,
};

/** Return the range that suits a window over which values are averaged: `5m` → 15 minutes. */
export function chooseRange(window: string): Range {
  const seconds = parseDuration(window) * WINDOWS_SHOWN;
  return RANGES.find((range) => range.seconds >= seconds) ?? RANGES[RANGES.length - 1]!;
}

/** Return a Prometheus duration in seconds: `1m30s` → 90. */
export function parseDuration(text: string): number {
  return [...text.matchAll(DURATION_PART)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNIT_SECONDS[unit ?? ""] ?? 0),
    0,
  );
}
