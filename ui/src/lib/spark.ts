/** A sparkline's geometry: a KPI's line in a box of 100 x 24. */
import type { Lines } from "./series.ts";

const WIDTH = 100;
const HEIGHT = 24;
const PAD = 3; // above and below, so that the line's width and the newest point fit
const SPAN_MIN = 0.2; // of the highest value: noise must not look like an event

export interface Spark {
  /** An SVG path; empty without data. */
  path: string;
  /** Where the newest value lies; null where there is none, or it is a gap. */
  newest: { x: number; y: number } | null;
}

export function drawSpark(lines: Lines | undefined, start: number, end: number): Spark {
  const values = lines?.values[0] ?? [];
  const known = values.filter((value) => value !== null);
  if (lines === undefined || known.length === 0) return { path: "", newest: null };
  const place = placer(known, start, end);
  let path = "";
  let isDown = false;
  lines.times.forEach((time, index) => {
    const value = values[index] ?? null;
    if (value !== null && time >= start) {
      const { x, y } = place(time, value);
      path += `${isDown ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`;
    }
    isDown = value !== null && time >= start;
  });
  const last = values.at(-1) ?? null;
  return { path, newest: last === null ? null : place(lines.times.at(-1) ?? end, last) };
}

function placer(known: readonly number[], start: number, end: number) {
  const high = Math.max(...known);
  const low = Math.min(...known);
  const span = Math.max(high - low, Math.abs(high) * SPAN_MIN) || 1;
  const bottom = (high + low - span) / 2;
  return (time: number, value: number) => ({
    x: ((time - start) / (end - start)) * WIDTH,
    y: HEIGHT - PAD - ((value - bottom) / span) * (HEIGHT - 2 * PAD),
  });
}
