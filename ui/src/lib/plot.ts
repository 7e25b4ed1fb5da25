/**
 * A uPlot chart of one panel: lines, limits, alerts, one crosshair shared with all other charts.
 *
 * uPlot draws; this file says what. Everything that changes is handed over through `draw`; the set of
 * lines and the colours are fixed for a plot's life.
 */
import uPlot from "uplot";

import type { Panel } from "./contract.ts";
import type { Episode } from "./episode.ts";
import { formatClock, formatDay, formatPlain } from "./format.ts";
import { drawEpisodes, drawThresholds } from "./overlay.ts";
import type { Palette } from "./palette.ts";
import { chooseExtent } from "./scale.ts";
import type { Lines } from "./series.ts";

const SYNC_KEY = "sakshi";
const AXIS_FONT = "11px system-ui, sans-serif";
const Y_AXIS_WIDTH = 46;
const X_AXIS_HEIGHT = 24;
const LINE_WIDTH = 1.5;
const DRAG_MIN_PX = 5;
const TICK_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600];
const FADED = 0.25; // how much of a line remains while another is pointed at

export interface PlotEvents {
  /** The crosshair moved: the index of the time that it stands at; null: it left. */
  onCursor(index: number | null): void;
  onZoom(start: number, end: number): void;
  onReset(): void;
}

/** uPlot's `setCursor` as it is: the last argument, which its types lack, tells the synced charts. */
type PublishingSetCursor = (
  position: { left: number; top: number },
  fireHook: boolean,
  publish: boolean,
) => void;

/** A panel as it is plotted. */
export interface PlotPanel extends Panel {
  /** Whether the scale reaches to all limits, also to those far off. */
  showsAllLimits: boolean;
}

/** What a plot shows at one moment. */
export interface Picture {
  lines: Lines;
  visible: { start: number; end: number };
  episodes: readonly Episode[];
  hidden: ReadonlySet<string>;
}

export class Plot {
  readonly #plot: uPlot;
  readonly #keys: readonly string[];
  #picture: Picture;

  constructor(
    element: HTMLElement,
    size: { width: number; height: number },
    panel: PlotPanel,
    palette: Palette,
    picture: Picture,
    events: PlotEvents,
  ) {
    this.#picture = picture;
    this.#keys = picture.lines.keys;
    const options: uPlot.Options = {
      ...size,
      legend: { show: false },
      padding: [6, 6, 0, 0],
      cursor: cursorOptions(events),
      focus: { alpha: FADED },
      scales: {
        x: { time: true, auto: false },
        y: { range: (_, low, high) => extentOf(panel, low, high) },
      },
      axes: [timeAxis(palette), valueAxis(panel, palette)],
      series: [{}, ...this.#keys.map((key, index) => lineSeries(key, index, palette))],
      hooks: {
        drawClear: [(plot) => drawEpisodes(plot, this.#picture.episodes, palette)],
        draw: [(plot) => drawThresholds(plot, panel, palette)],
        setCursor: [(plot) => events.onCursor(plot.cursor.idx ?? null)],
        setSelect: [(plot) => selectSpan(plot, events)],
      },
    };
    this.#plot = new uPlot(options, dataOf(picture.lines), element);
    this.draw(picture);
  }

  /** Tell whether this plot can draw these lines: they are the ones that it was made for. */
  fits(lines: Lines): boolean {
    const { keys } = lines;
    return keys.length === this.#keys.length && keys.every((key, index) => key === this.#keys[index]);
  }

  draw(picture: Picture): void {
    this.#picture = picture;
    const { start, end } = picture.visible;
    this.#plot.batch(() => {
      this.#keys.forEach((key, index) => this.#showLine(index + 1, !picture.hidden.has(key)));
      this.#plot.setData(dataOf(picture.lines), false);
      this.#plot.setScale("x", { min: start, max: end });
    });
    const { left = -1, top = -1 } = this.#plot.cursor;
    if (left >= 0) this.#plot.setCursor({ left, top }); // the same place is another index now
  }

  resize(width: number, height: number): void {
    this.#plot.setSize({ width, height });
  }

  /** Let one line stand out; null: none. */
  point(key: string | null): void {
    const index = key === null ? null : this.#keys.indexOf(key) + 1;
    this.#plot.setSeries(index, { focus: index !== null });
  }

  /** Move the crosshair of all charts to one of the times. */
  moveCursor(index: number): void {
    const time = this.#picture.lines.times[index];
    if (time === undefined) return;
    const left = this.#plot.valToPos(time, "x");
    const move = this.#plot.setCursor as PublishingSetCursor;
    move({ left, top: this.#plot.over.clientHeight / 2 }, true, true);
  }

  destroy(): void {
    this.#plot.destroy();
  }

  #showLine(index: number, show: boolean): void {
    if (this.#plot.series[index]?.show !== show) this.#plot.setSeries(index, { show });
  }
}

function dataOf(lines: Lines): uPlot.AlignedData {
  return [lines.times, ...lines.values] as unknown as uPlot.AlignedData; // uPlot only reads them
}

function cursorOptions(events: PlotEvents): uPlot.Cursor {
  return {
    y: false,
    drag: { x: true, y: false, setScale: false, dist: DRAG_MIN_PX },
    points: { size: 6, width: 2 },
    sync: {
      key: SYNC_KEY,
      scales: ["x", null],
      filters: { pub: (type) => type === "mousemove" || type === "mouseleave", sub: () => true },
    },
    bind: {
      dblclick: () => () => {
        events.onReset();
        return null;
      },
    },
  };
}

function selectSpan(plot: uPlot, events: PlotEvents): void {
  const { left, width } = plot.select;
  if (width < DRAG_MIN_PX) return;
  const start = plot.posToVal(left, "x");
  const end = plot.posToVal(left + width, "x");
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  events.onZoom(start, end);
}

function extentOf(panel: PlotPanel, low: number | null, high: number | null): uPlot.Range.MinMax {
  const { thresholds, unit, showsAllLimits } = panel;
  const extent = chooseExtent(low, high, thresholds, unit, showsAllLimits);
  return [extent.low, extent.high];
}

function lineSeries(key: string, index: number, palette: Palette): uPlot.Series {
  const color = palette.lines[index % palette.lines.length] ?? palette.text;
  const isRepeated = index >= palette.lines.length;
  return {
    label: key,
    stroke: color,
    width: LINE_WIDTH,
    dash: isRepeated ? [6, 3] : [],
    points: { show: true, size: 3, fill: color, stroke: color, filter: lonePoints },
  };
}

/** Return which points have no neighbour: without a dot they would not be seen. */
function lonePoints(plot: uPlot, seriesIndex: number): number[] {
  const values = plot.data[seriesIndex] ?? [];
  const isGap = (index: number) => values[index] === null || values[index] === undefined;
  const indices: number[] = [];
  for (let index = 0; index < values.length; index += 1) {
    if (!isGap(index) && isGap(index - 1) && isGap(index + 1)) indices.push(index);
  }
  return indices;
}

function timeAxis(palette: Palette): uPlot.Axis {
  return {
    stroke: palette.text,
    font: AXIS_FONT,
    size: X_AXIS_HEIGHT,
    space: 64,
    incrs: TICK_SECONDS,
    gap: 4,
    grid: { show: false },
    ticks: { stroke: palette.grid, width: 1, size: 4 },
    values: (_, splits, _axis, _space, increment) =>
      splits.map((time) => formatTick(time, increment)),
  };
}

function formatTick(time: number, increment: number): string {
  const isMidnight = new Date(time * 1000).getHours() === 0 && increment >= 3600;
  return isMidnight ? formatDay(time) : formatClock(time, increment < 60);
}

function valueAxis(panel: Panel, palette: Palette): uPlot.Axis {
  return {
    stroke: palette.text,
    font: AXIS_FONT,
    size: Y_AXIS_WIDTH,
    space: 28,
    gap: 4,
    grid: { stroke: palette.grid, width: 1 },
    ticks: { show: false },
    values: (_, splits) => splits.map((value) => formatPlain(value, panel.unit)),
  };
}
