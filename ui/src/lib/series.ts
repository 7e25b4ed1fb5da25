/**
 * Lines over time: history from range queries, continued by live points.
 *
 * `times` is shared by all lines of a panel: seconds, strictly increasing. Each line has one value
 * for each time; null is a gap. Everything is a value: what changes is a copy.
 */
import type { RangeSeries } from "./api.ts";
import type { Span } from "./span.ts";

export interface Lines {
  /** Of the history; live points are kept at this distance too, so that a line stays bounded. */
  step: number;
  times: readonly number[];
  keys: readonly string[];
  /** One array for each key, in the keys' order, each as long as `times`. */
  values: readonly (readonly (number | null)[])[];
}

const LABEL = /\{\{\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*\}\}/g;

/** Return the key of the line that a series is drawn as: `{{provider}} mean` → `venice mean`. */
export function seriesKey(legend: string, labels: Readonly<Record<string, string>>): string {
  return legend.replace(LABEL, (_, label: string) => labels[label] ?? "");
}

export function emptyLines(step: number): Lines {
  return { step, times: [], keys: [], values: [] };
}

/**
 * Return the lines of some queries' history over one span.
 *
 * A query's lines stand together, sorted by key, so that a line keeps its colour from visit to visit.
 */
export function readHistory(
  answers: readonly { legend: string; series: readonly RangeSeries[] }[],
  span: Span,
): Lines {
  const count = Math.floor((span.end - span.start) / span.step) + 1;
  const times = Array.from({ length: count }, (_, index) => span.start + index * span.step);
  const lines = answers.flatMap(({ legend, series }) =>
    series
      .map((one) => ({ key: seriesKey(legend, one.metric), values: spread(one, span, count) }))
      .sort((left, right) => (left.key < right.key ? -1 : 1)),
  );
  return {
    step: span.step,
    times,
    keys: lines.map((line) => line.key),
    values: lines.map((line) => line.values),
  };
}

function spread(series: RangeSeries, span: Span, count: number): (number | null)[] {
  const values = new Array<number | null>(count).fill(null);
  for (const [time, text] of series.values) {
    const value = Number(text);
    const index = Math.round((time - span.start) / span.step);
    if (Number.isFinite(value) && index >= 0 && index < count) values[index] = value;
  }
  return values;
}

/**
 * Return the lines with a live point appended and what lies before `start` dropped, except the last
 * point before it: a line reaches the left edge.
 *
 * The newest point moves: it gives way to the next one until that is a step away from the last
 * point that stays. A line without a point gets a gap; a new key becomes a new line.
 */
export function appendPoint(
  lines: Lines,
  time: number,
  point: Readonly<Record<string, number | null>>,
  start: number,
): Lines {
  const newest = lines.times.at(-1);
  if (newest !== undefined && time <= newest) return lines;
  const settled = lines.times.at(-2);
  const replaces = settled !== undefined && time - settled <= lines.step;
  const from = Math.max(0, lines.times.findLastIndex((one) => one <= start));
  const to = lines.times.length - (replaces ? 1 : 0);
  const kept = lines.times.slice(from, to);
  const fresh = Object.keys(point).filter((key) => !lines.keys.includes(key));
  const gaps = new Array<null>(kept.length).fill(null);
  return {
    step: lines.step,
    times: [...kept, time],
    keys: [...lines.keys, ...fresh],
    values: [
      ...lines.keys.map((key, index) => [
        ...(lines.values[index] ?? []).slice(from, to),
        point[key] ?? null,
      ]),
      ...fresh.map((key) => [...gaps, point[key] ?? null]),
    ],
  };
}

/** Return history continued by those points of `live` that are newer than it. */
export function continueWith(history: Lines, live: Lines, start: number): Lines {
  const newest = history.times.at(-1) ?? Number.NEGATIVE_INFINITY;
  return live.times.reduce((lines, time, index) => {
    if (time <= newest) return lines;
    const point = live.keys.map((key, line) => [key, live.values[line]?.[index] ?? null] as const);
    return appendPoint(lines, time, Object.fromEntries(point), start);
  }, history);
}

export interface LineSummary {
  key: string;
  newest: number | null;
  lowest: number | null;
  mean: number | null;
  highest: number | null;
}

/** Return what a table says of each line. */
export function summarize(lines: Lines): LineSummary[] {
  return lines.keys.map((key, index) => {
    const values = lines.values[index] ?? [];
    const known = values.filter((value) => value !== null);
    const isEmpty = known.length === 0;
    return {
      key,
      newest: values.at(-1) ?? null,
      lowest: isEmpty ? null : Math.min(...known),
      mean: isEmpty ? null : known.reduce((sum, value) => sum + value, 0) / known.length,
      highest: isEmpty ? null : Math.max(...known),
    };
  });
}
