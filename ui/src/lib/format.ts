/**
 * Numbers, quantities, moments and durations as people read them.
 *
 * A value that is null is an en dash. Digits are grouped by commas whatever the browser's language,
 * as the page's words are English; clock times are the browser's local ones.
 */
import type { Limit, Unit } from "./contract.ts";

export const NOTHING = "–";

export interface Quantity {
  number: string;
  unit: string;
}

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
const FORMATS = [0, 1, 2, 3, 4].map(
  (decimals) =>
    new Intl.NumberFormat("en-US", {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    }),
);
const COMPACT = new Intl.NumberFormat("en-US", { maximumFractionDigits: 4 });

/** Return a value in its unit: about three digits that matter, decimals fixed so that they align. */
export function formatQuantity(value: number | null | undefined, unit: Unit): Quantity {
  if (value === null || value === undefined) return { number: NOTHING, unit: "" };
  if (unit === "bytes") return formatBytes(value);
  return { number: fixed(value, chooseDecimals(value, unit)), unit: unit === "ratio" ? "" : unit };
}

/** Return a value with its unit, as one text: `1,240 ms`, `41.5 %`, `0.982`. */
export function formatValue(value: number | null | undefined, unit: Unit): string {
  const quantity = formatQuantity(value, unit);
  return quantity.unit === "" ? quantity.number : `${quantity.number} ${quantity.unit}`;
}

/** Return a number of an axis or a limit: as few decimals as it has. */
export function formatPlain(value: number, unit: Unit): string {
  if (unit !== "bytes") return COMPACT.format(value);
  const { number, unit: scaled } = formatBytes(value);
  return `${number.replace(/\.0+$/, "")} ${scaled}`;
}

/** Return a limit as a condition: `< 2,000 ms`. */
export function formatLimit(limit: Limit, unit: Unit): string {
  const suffix = unit === "ratio" || unit === "bytes" || unit === "" ? "" : ` ${unit}`;
  return `${limit.operator} ${formatPlain(limit.value, unit)}${suffix}`;
}

/** Return a number whose unit is not known: four digits that matter. */
export function formatMeasured(value: number | null): string {
  return value === null ? NOTHING : COMPACT.format(Number(value.toPrecision(4)));
}

function chooseDecimals(value: number, unit: Unit): number {
  const size = Math.abs(value);
  if (unit === "ratio") return 3;
  if (unit === "" && Number.isInteger(value)) return 0;
  if (size >= 100 || value === 0) return 0;
  if (size >= 10) return 1;
  if (size >= 0.1) return 2;
  return size >= 0.01 ? 3 : 4;
}

function formatBytes(value: number): Quantity {
  const size = Math.abs(value);
  const power = size < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(size) / 10));
  const scaled = value / 1024 ** power;
  const decimals = power === 0 || Math.abs(scaled) >= 100 ? 0 : 1;
  return { number: fixed(scaled, decimals), unit: BYTE_UNITS[power] ?? "" };
}

function fixed(value: number, decimals: number): string {
  return (FORMATS[decimals] ?? COMPACT).format(value);
}

/** Return a duration: `0.8 s`, `42 s`, `2 m 05 s`, `1 h 04 m`, `3 d 4 h`. Negative ones are 0. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} m`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** Return a duration in its largest unit, for small places: `42s`, `12m`, `3h`, `2d`. */
export function formatAge(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m`;
  if (whole < 86400) return `${Math.floor(whole / 3600)}h`;
  return `${Math.floor(whole / 86400)}d`;
}

/** Return what remains until a moment: `0:04`, `2:05`, `1:00:00`; `0:00` once it has passed. */
export function formatCountdown(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const tail = `${hours > 0 ? pad(minutes) : minutes}:${pad(whole % 60)}`;
  return hours > 0 ? `${hours}:${tail}` : tail;
}

/** Return the local time of day: `22:13:05`, or without the seconds. */
export function formatClock(seconds: number, withSeconds = true): string {
  const date = new Date(seconds * 1000);
  const clock = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  return withSeconds ? `${clock}:${pad(date.getSeconds())}` : clock;
}

/** Return the local day: `14 Nov`. */
export function formatDay(seconds: number): string {
  return new Date(seconds * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
}

/** Return the local day and time of day: `14 Nov 22:13`. */
export function formatDayClock(seconds: number): string {
  return `${formatDay(seconds)} ${formatClock(seconds, false)}`;
}

/** Return a moment of a message in seconds since the epoch. */
export function parseSeconds(moment: string): number {
  return Date.parse(moment) / 1000;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
