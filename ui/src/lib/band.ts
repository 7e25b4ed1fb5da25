/**
 * Bands: the episodes of one severity as spans of a chart, overlapping ones merged.
 *
 * Thirty sessions whose coherence is low are thirty episodes but one band: tints do not add up to a
 * wall of colour.
 */
import type { Episode } from "./episode.ts";

export type BandKind = "pending" | "firing";

export interface Band {
  kind: BandKind;
  isCritical: boolean;
  start: number;
  end: number;
  /** Whether an episode of it goes on; it then reaches the end of what is visible. */
  isOpen: boolean;
}

const KINDS: readonly BandKind[] = ["pending", "firing"];

/** Return the bands of some episodes within a span, those of critical alerts last: they are on top. */
export function layBands(episodes: readonly Episode[], start: number, end: number): Band[] {
  return [false, true].flatMap((isCritical) =>
    KINDS.flatMap((kind) => {
      const bands = episodes
        .filter((episode) => (episode.severity === "critical") === isCritical)
        .map((episode) => bandOf(episode, kind, isCritical, end))
        .filter((band) => band !== null)
        .filter((band) => band.end > start && band.start < end);
      return merge(bands);
    }),
  );
}

function bandOf(
  episode: Episode,
  kind: BandKind,
  isCritical: boolean,
  end: number,
): Band | null {
  const { active, fired, ended } = episode;
  if (kind === "pending") {
    const isOpen = fired === null && ended === null;
    return { kind, isCritical, start: active, end: fired ?? ended ?? end, isOpen };
  }
  if (fired === null) return null;
  return { kind, isCritical, start: fired, end: ended ?? end, isOpen: ended === null };
}

function merge(bands: readonly Band[]): Band[] {
  const merged: Band[] = [];
  for (const band of bands.toSorted((left, right) => left.start - right.start)) {
    const last = merged.at(-1);
    if (last === undefined || band.start > last.end) merged.push({ ...band });
    else {
      last.end = Math.max(last.end, band.end);
      last.isOpen ||= band.isOpen;
    }
  }
  return merged;
}
