/**
 * What is drawn on a chart beside its lines: alerts as bands under them, limits as lines over them.
 *
 *     ▏ hatched: pending ▕▼ tinted: firing            ▕
 *     ╌ warning 3,000 ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
 */
import type uPlot from "uplot";

import { type Band, layBands } from "./band.ts";
import type { Panel } from "./contract.ts";
import type { Episode } from "./episode.ts";
import { formatPlain } from "./format.ts";
import { type Palette, thresholdColor } from "./palette.ts";

const TINT = 0.15;
const TINT_ENDED = 0.08; // what is over is less loud
const HATCH = 0.2;
const HATCH_GAP = 8; // CSS pixels
const LABEL_PX = 10;
const MARK_PX = 5;

/** Draw the episodes as bands over the whole height. */
export function drawEpisodes(
  plot: uPlot,
  episodes: readonly Episode[],
  palette: Palette,
): void {
  const { min, max } = plot.scales.x ?? {};
  if (min == null || max == null) return;
  withClip(plot, (context) => {
    for (const band of layBands(episodes, min, max)) {
      const color = band.isCritical ? palette.critical : palette.warning;
      if (band.kind === "pending") hatchBand(plot, context, band, color);
      else tintBand(plot, context, band, color);
    }
  });
}

function tintBand(
  plot: uPlot,
  context: CanvasRenderingContext2D,
  band: Band,
  color: string,
): void {
  const { top, height } = plot.bbox;
  const left = plot.valToPos(band.start, "x", true);
  const width = Math.max(1, plot.valToPos(band.end, "x", true) - left);
  const mark = MARK_PX * ratio();
  context.fillStyle = color;
  context.globalAlpha = band.isOpen ? TINT : TINT_ENDED;
  context.fillRect(left, top, width, height);
  context.globalAlpha = 1;
  context.fillRect(Math.round(left), top, ratio(), height);
  context.beginPath();
  context.moveTo(left - mark, top);
  context.lineTo(left + mark, top);
  context.lineTo(left, top + mark * 1.4);
  context.fill();
}

function hatchBand(
  plot: uPlot,
  context: CanvasRenderingContext2D,
  band: Band,
  color: string,
): void {
  const { top, height } = plot.bbox;
  const left = plot.valToPos(band.start, "x", true);
  const right = plot.valToPos(band.end, "x", true);
  const gap = HATCH_GAP * ratio();
  context.save();
  context.beginPath();
  context.rect(left, top, right - left, height);
  context.clip();
  context.globalAlpha = HATCH;
  context.strokeStyle = color;
  context.lineWidth = ratio();
  context.beginPath();
  const first = Math.floor((left - height) / gap) * gap; // hatches of all bands lie on one grid
  for (let x = first; x < right; x += gap) {
    context.moveTo(x, top + height);
    context.lineTo(x + height, top);
  }
  context.stroke();
  context.restore();
}

/** Draw the limits; those above what the scale spans are named at the upper edge. */
export function drawThresholds(plot: uPlot, panel: Panel, palette: Palette): void {
  const { min, max } = plot.scales.y ?? {};
  if (min == null || max == null) return;
  const beyond = panel.thresholds.filter((threshold) => threshold.value > max);
  withClip(plot, (context) => {
    context.font = `${LABEL_PX * ratio()}px system-ui, sans-serif`;
    context.textAlign = "left";
    for (const { name, value } of panel.thresholds) {
      if (value > max || value < min) continue;
      const color = thresholdColor(palette, name);
      const y = Math.round(plot.valToPos(value, "y", true));
      drawLine(plot, context, y, color);
      drawLabel(plot, context, `${name} ${formatPlain(value, panel.unit)}`, y, color, palette);
    }
    const next = beyond[0];
    if (next === undefined) return;
    const color = thresholdColor(palette, next.name);
    const text = `${next.name} ${formatPlain(next.value, panel.unit)} ↑`;
    drawLabel(plot, context, text, plot.bbox.top, color, palette);
  });
}

function drawLine(plot: uPlot, context: CanvasRenderingContext2D, y: number, color: string): void {
  context.strokeStyle = color;
  context.lineWidth = ratio();
  context.setLineDash([5 * ratio(), 4 * ratio()]);
  context.beginPath();
  context.moveTo(plot.bbox.left, y);
  context.lineTo(plot.bbox.left + plot.bbox.width, y);
  context.stroke();
  context.setLineDash([]);
}

function drawLabel(
  plot: uPlot,
  context: CanvasRenderingContext2D,
  text: string,
  y: number,
  color: string,
  palette: Palette,
): void {
  const height = LABEL_PX * ratio();
  const fitsAbove = y - height * 3 > plot.bbox.top; // near the edge lines crowd above a limit
  const baseline = fitsAbove ? y - height * 0.45 : y + height * 1.2;
  const left = plot.bbox.left + 4 * ratio(); // the newest values, at the right, stay free
  context.lineWidth = 3 * ratio();
  context.lineJoin = "round";
  context.strokeStyle = palette.surface;
  context.strokeText(text, left, baseline);
  context.fillStyle = color;
  context.fillText(text, left, baseline);
}

function withClip(plot: uPlot, draw: (context: CanvasRenderingContext2D) => void): void {
  const { left, top, width, height } = plot.bbox;
  plot.ctx.save();
  plot.ctx.beginPath();
  plot.ctx.rect(left, top, width, height);
  plot.ctx.clip();
  draw(plot.ctx);
  plot.ctx.restore();
}

function ratio(): number {
  return devicePixelRatio;
}
