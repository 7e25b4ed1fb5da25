/**
 * Episodes: one run of an alert, from pending to its end, as the charts draw it.
 *
 *     active ── pending ──▶ fired ── firing ──▶ ended
 *       │                                        ▲
 *       └── pending, the condition went away ────┘   (never fired)
 *
 * They come from the transitions that sakshi keeps, and go on with the alerts of the live messages.
 * All moments are seconds since the epoch; null is "not yet".
 */
import type { Alert, Transition } from "./contract.ts";
import { parseSeconds } from "./format.ts";

const CLOCK_SLACK = 1; // s: the transition is recorded a moment after the evaluation

export interface Episode {
  fingerprint: string;
  name: string;
  severity: string;
  active: number;
  fired: number | null;
  ended: number | null;
}

/** Return the episodes that some transitions tell of, oldest first. */
export function readEpisodes(transitionsNewestFirst: readonly Transition[]): Episode[] {
  const open = new Map<string, Episode>();
  const episodes: Episode[] = [];
  for (const transition of transitionsNewestFirst.toReversed()) {
    const at = parseSeconds(transition.at);
    const current = open.get(transition.fingerprint);
    if (transition.state === "pending" || transition.state === "firing") {
      const episode = current ?? begin(transition, at);
      if (current === undefined) episodes.push(episode);
      if (transition.state === "firing") episode.fired ??= at;
      open.set(transition.fingerprint, episode);
    } else if (current !== undefined) {
      current.ended = at;
      open.delete(transition.fingerprint);
    }
  }
  return episodes;
}

function begin(transition: Transition, at: number): Episode {
  const { fingerprint, name, labels } = transition;
  return { fingerprint, name, severity: labels.severity ?? "", active: at, fired: null, ended: null };
}

/**
 * Return the episodes as the alerts of a live message continue them.
 *
 * @param isWhole whether the message names all alerts: an open episode that it does not name is over.
 * @param now the message's moment.
 */
export function continueEpisodes(
  episodes: readonly Episode[],
  alerts: readonly Alert[],
  isWhole: boolean,
  now: number,
): Episode[] {
  const told = alerts.map(fromAlert);
  const untold = episodes
    .filter((episode) => !told.some((other) => isSame(episode, other)))
    .map((episode) => (isWhole && episode.ended === null ? { ...episode, ended: now } : episode));
  return [...untold, ...told].sort((left, right) => left.active - right.active);
}

function fromAlert(alert: Alert): Episode {
  return {
    fingerprint: alert.fingerprint,
    name: alert.name,
    severity: alert.severity,
    active: parseSeconds(alert.active_at),
    fired: alert.fired_at === null ? null : parseSeconds(alert.fired_at),
    ended: alert.resolved_at === null ? null : parseSeconds(alert.resolved_at),
  };
}

function isSame(left: Episode, right: Episode): boolean {
  const begun = Math.abs(left.active - right.active);
  return left.fingerprint === right.fingerprint && begun <= CLOCK_SLACK;
}

/** Return the episodes that fired and are over, newest first, except those of the given alerts. */
export function earlierEpisodes(
  episodes: readonly Episode[],
  alerts: readonly Alert[],
): Episode[] {
  const told = alerts.map(fromAlert);
  return episodes
    .filter((episode) => episode.fired !== null && episode.ended !== null)
    .filter((episode) => !told.some((other) => isSame(episode, other)))
    .toReversed();
}

/** Return what is said of the episodes at one moment: `AIIntegrationFailure firing`. */
export function describeMoment(episodes: readonly Episode[], time: number): string {
  return episodes
    .filter((episode) => episode.active <= time && (episode.ended ?? Infinity) >= time)
    .map((episode) => {
      const isFiring = episode.fired !== null && episode.fired <= time;
      return `${episode.name} ${isFiring ? "firing" : "pending"}`;
    })
    .join(", ");
}
