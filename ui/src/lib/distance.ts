/** How far a value is from its limits, in words. */
import type { Kpi, KpiReading, LimitName } from "./contract.ts";
import { formatLimit, formatValue } from "./format.ts";

export const LIMIT_NAMES: readonly LimitName[] = ["target", "warning", "critical"];

/** Whether a limit is respected; `unknown` without a value. */
export type LimitState = "kept" | "broken" | "unknown";

export interface LimitDistance {
  name: LimitName;
  /** The limit as a condition: `> 3,000 ms`. */
  condition: string;
  state: LimitState;
  /** Where the value is: `760 ms to spare`, `missed by 240 ms`, `crossed by 12 ms`. */
  words: string;
}

/** Return the limits that a KPI has, from the mildest, with how far the value is from each. */
export function describeLimits(kpi: Kpi, reading: KpiReading | undefined): LimitDistance[] {
  return LIMIT_NAMES.flatMap((name) => {
    const limit = kpi[name];
    if (limit === null) return [];
    const distance = reading?.distances[name];
    return {
      name,
      condition: formatLimit(limit, kpi.unit),
      state: stateOf(name, distance),
      words: describeDistance(name, distance, kpi),
    };
  });
}

/** At the limit itself a target is missed, and a warning or critical limit not crossed yet. */
function stateOf(name: LimitName, distance: number | undefined): LimitState {
  if (distance === undefined) return "unknown";
  const isKept = name === "target" ? distance > 0 : distance >= 0;
  return isKept ? "kept" : "broken";
}

function describeDistance(name: LimitName, distance: number | undefined, kpi: Kpi): string {
  if (distance === undefined) return "no value to compare";
  if (distance === 0) return "exactly at it";
  const size = formatValue(Math.abs(distance), kpi.unit);
  if (name === "target") return distance > 0 ? `${size} to spare` : `missed by ${size}`;
  return distance > 0 ? `${size} away` : `crossed by ${size}`;
}
