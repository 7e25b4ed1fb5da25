/**
 * What the page knows, kept up to date: the definition, the newest messages, lines over time.
 *
 *     feed ──message──▶ tiles, alerts, targets; one point more for each line
 *       └──first message of a connection──▶ definition, history, transitions, all anew
 *
 * Times are seconds since the epoch by sakshi's clock, which may differ from the browser's.
 */
import type { Api } from "./api.ts";
import type {
  Alert,
  AlertCounts,
  Definition,
  KpiReading,
  Message,
  MetricsUpdate,
  Panel,
} from "./contract.ts";
import { continueEpisodes, type Episode, readEpisodes } from "./episode.ts";
import type { Connection, Feed, FeedHandler } from "./feed.ts";
import { parseSeconds } from "./format.ts";
import { composeHeadline, type Headline } from "./headline.ts";
import { loadHistory, loadKpis } from "./history.ts";
import { KPI_LEGEND, kpiPanel } from "./kpi.ts";
import { findPreference, storePreference } from "./preference.ts";
import { appendPoint, continueWith, emptyLines, type Lines } from "./series.ts";
import {
  alignSpan,
  chooseRange,
  chooseStep,
  type Range,
  RANGES,
  type Span,
  SPARK_POINTS_MAX,
} from "./span.ts";
import { findStaleness } from "./verdict.ts";

const ALERTS_MAX = 200; // of a message; where there are as many, others may have been left out
const INTERVAL_SECONDS = 5; // until the definition says otherwise
const RETRY_MS = 3000;
const TICK_MS = 1000;
const ZOOM_MIN_SECONDS = 10;

type LinesById = Readonly<Record<string, Lines>>;
type Point = Readonly<Record<string, number | null>>;

export class Monitor implements FeedHandler {
  definition = $state.raw<Definition | null>(null);
  update = $state.raw<MetricsUpdate | null>(null);
  alerts = $state.raw<readonly Alert[]>([]);
  counts = $state.raw<AlertCounts>({ pending: 0, firing: 0 });
  alertsTruncated = $state(0);
  connection = $state<Connection>("connecting");
  /** Why the newest history could not be loaded; empty where it could. */
  problem = $state("");
  now = $state(0);
  range = $state.raw<Range>(RANGES[0]!);
  /** The span that all charts show; null: the range, up to now. */
  zoom = $state.raw<Span | null>(null);
  panels = $state.raw<LinesById>({});
  sparks = $state.raw<LinesById>({});
  episodes = $state.raw<readonly Episode[]>([]);

  readonly updatedAt = $derived(this.update === null ? 0 : parseSeconds(this.update.timestamp));
  readonly visible = $derived<{ start: number; end: number }>(
    this.zoom ?? { start: this.updatedAt - this.range.seconds, end: this.updatedAt },
  );
  /** What the newest message says of each KPI, by its name. */
  readonly readings = $derived<ReadonlyMap<string, KpiReading>>(
    new Map(this.update?.kpis.map((reading) => [reading.name, reading])),
  );
  readonly staleness = $derived(this.#findStaleness());
  readonly headline = $derived<Headline>(
    composeHeadline({
      verdict: this.update?.summary.verdict ?? null,
      counts: this.counts,
      alerts: this.alerts,
      kpis: this.definition?.kpis ?? [],
      readings: this.update?.kpis ?? [],
      targets: this.update?.targets ?? null,
      staleness: this.staleness,
    }),
  );
  /** Age of the newest sample, growing between messages; null: there is none. */
  readonly dataAge = $derived.by(() => {
    const age = this.update?.data_age_seconds ?? null;
    return age === null ? null : age + Math.max(0, this.now - this.updatedAt);
  });

  readonly #api: Api;
  readonly #feed: Feed;
  #clockOffset = 0;
  #isRangeChosen = false;
  /** The KPI whose own view is open; empty: none. */
  #watched = "";
  #loading = new AbortController();
  #retryTimer: ReturnType<typeof setTimeout> | undefined;

  /** @param connect makes the feed, which is started with the monitor. */
  constructor(api: Api, connect: (handler: FeedHandler) => Feed) {
    this.#api = api;
    this.#feed = connect(this);
    const stored = RANGES.find((range) => range.label === findPreference("range"));
    this.#isRangeChosen = stored !== undefined;
    if (stored !== undefined) this.range = stored;
  }

  start(): void {
    this.#tick();
    setInterval(() => this.#tick(), TICK_MS);
    addEventListener("online", () => this.#feed.hurry());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#feed.hurry();
    });
    this.#feed.start();
  }

  // What the feed tells.

  intervalSeconds(): number {
    return this.definition?.interval_seconds ?? INTERVAL_SECONDS;
  }

  onConnection(connection: Connection): void {
    this.connection = connection;
  }

  onMessage(message: Message, isFirst: boolean): void {
    const at = parseSeconds(message.timestamp);
    this.#clockOffset = at - Date.now() / 1000;
    this.#tick();
    this.alerts = message.alerts;
    this.counts = message.summary;
    if (message.type === "metrics_update") {
      this.update = message;
      this.#append(message);
    } else {
      this.alertsTruncated = message.truncated;
    }
    this.episodes = continueEpisodes(this.episodes, message.alerts, this.#namesAll(message), at);
    if (isFirst) void this.#resume();
  }

  // What the reader does.

  chooseRange(range: Range): void {
    this.range = range;
    this.#isRangeChosen = true;
    storePreference("range", range.label);
    this.showAll();
  }

  /** Show one span on all charts, with more detail where the data has it. */
  zoomTo(start: number, end: number): void {
    if (end - start < ZOOM_MIN_SECONDS) return;
    const step = chooseStep(end - start, this.intervalSeconds());
    this.zoom = { start, end, step };
    void this.#load();
  }

  showAll(): void {
    this.zoom = null;
    void this.#load();
  }

  /** Keep the line of one KPI's own chart too, from now on; it begins as its tile's. */
  watch(name: string): void {
    this.#watched = name;
    const panel = this.#watchedPanel();
    if (panel === null) return;
    const spark = this.sparks[name];
    if (spark !== undefined) this.panels = { ...this.panels, [panel.id]: spark };
    void this.#loadPanels([panel], this.#loading.signal);
  }

  /** Forget the line of the KPI's own chart. */
  unwatch(): void {
    const panel = this.#watchedPanel();
    this.#watched = "";
    if (panel === null) return;
    const { [panel.id]: _, ...others } = this.panels;
    this.panels = others;
  }

  // How it keeps up.

  #tick(): void {
    this.now = Date.now() / 1000 + this.#clockOffset;
  }

  #namesAll(message: Message): boolean {
    return message.alerts.length < ALERTS_MAX;
  }

  #findStaleness(): string {
    if (this.update === null) return "";
    const { data_age_seconds: dataAge, targets } = this.update;
    const silent = Math.max(0, this.now - this.updatedAt);
    return findStaleness(silent, this.intervalSeconds(), dataAge, targets);
  }

  #append(message: MetricsUpdate): void {
    const time = parseSeconds(message.timestamp);
    const start = time - this.range.seconds;
    const values = message.kpis.map((kpi) => [kpi.name, pointOf(kpi)] as const);
    this.sparks = appendAll(this.sparks, time, values, start, this.#step(SPARK_POINTS_MAX));
    if (this.zoom !== null) return;
    const points: (readonly [string, Point])[] = Object.entries(message.panels);
    const watched = this.#watchedPanel();
    const reading = message.kpis.find((kpi) => kpi.name === this.#watched);
    if (watched !== null && reading !== undefined) points.push([watched.id, pointOf(reading)]);
    this.panels = appendAll(this.panels, time, points, start, this.#step());
  }

  #watchedPanel(): Panel | null {
    const kpi = this.definition?.kpis.find((one) => one.name === this.#watched);
    return kpi === undefined ? null : kpiPanel(kpi);
  }

  #step(pointsMax?: number): number {
    return chooseStep(this.range.seconds, this.intervalSeconds(), pointsMax);
  }

  /** Learn everything anew after the connection came back; try again while it is there. */
  async #resume(): Promise<void> {
    clearTimeout(this.#retryTimer);
    const signal = this.#restartLoading();
    try {
      const [definition, transitions] = await Promise.all([
        this.#api.definition(signal),
        this.#api.transitions(signal),
      ]);
      if (signal.aborted) return;
      this.definition = definition;
      const past = readEpisodes(transitions);
      this.episodes = continueEpisodes(past, this.alerts, this.alerts.length < ALERTS_MAX, this.now);
      if (!this.#isRangeChosen) this.range = chooseRange(definition.window);
      await this.#load();
    } catch (error) {
      if (signal.aborted) return;
      this.problem = (error as Error).message;
      this.#retryTimer = setTimeout(() => {
        if (this.connection === "live") void this.#resume();
      }, RETRY_MS);
    }
  }

  #restartLoading(): AbortSignal {
    this.#loading.abort();
    this.#loading = new AbortController();
    return this.#loading.signal;
  }

  async #load(): Promise<void> {
    const { definition } = this;
    if (definition === null) return;
    const signal = this.#restartLoading();
    const watched = this.#watchedPanel();
    const panels = watched === null ? definition.panels : [watched, ...definition.panels];
    const problems = await Promise.all([
      this.#loadPanels(panels, signal),
      this.#loadSparks(definition, signal),
    ]);
    if (!signal.aborted) this.problem = problems.find((problem) => problem !== "") ?? "";
  }

  #loadPanels(panels: readonly Panel[], signal: AbortSignal): Promise<string> {
    const { zoom } = this;
    const end = this.updatedAt;
    const start = end - this.range.seconds;
    const span = zoom
      ? alignSpan(zoom.start, zoom.end + zoom.step, zoom.step)
      : alignSpan(start, end, this.#step());
    return loadHistory(this.#api, panels, span, signal, (id, history) => {
      const live = this.panels[id];
      const lines = zoom || !live ? history : continueWith(history, live, start);
      this.panels = { ...this.panels, [id]: lines };
    });
  }

  #loadSparks({ kpis }: Definition, signal: AbortSignal): Promise<string> {
    const end = this.updatedAt;
    const start = end - this.range.seconds;
    const span = alignSpan(start, end, this.#step(SPARK_POINTS_MAX));
    return loadKpis(this.#api, kpis, KPI_LEGEND, span, signal, (loaded) => {
      const continued = Object.entries(loaded).map(([name, history]) => {
        const live = this.sparks[name];
        return [name, live ? continueWith(history, live, start) : history] as const;
      });
      this.sparks = { ...this.sparks, ...Object.fromEntries(continued) };
    });
  }
}

/** A KPI's value is a point of its line where it is judged; what is only remembered is a gap. */
function pointOf({ value, verdict }: KpiReading): Point {
  const isJudged = verdict !== "STALE" && verdict !== "NO DATA";
  return { [KPI_LEGEND]: isJudged ? value : null };
}

function appendAll(
  all: LinesById,
  time: number,
  points: readonly (readonly [string, Point])[],
  start: number,
  step: number,
): LinesById {
  const grown = points.map(([id, point]) => {
    return [id, appendPoint(all[id] ?? emptyLines(step), time, point, start)] as const;
  });
  return { ...all, ...Object.fromEntries(grown) };
}
