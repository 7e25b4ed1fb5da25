/**
 * Colours for canvases, read from the style sheet: src/style.css is their only home.
 *
 * Lines use the Okabe-Ito set, which readers with any colour vision can tell apart, adapted to each
 * background. Names and icons always stand beside a colour.
 */
export interface Palette {
  lines: readonly string[];
  text: string;
  grid: string;
  surface: string;
  target: string;
  warning: string;
  critical: string;
  pending: string;
}

export const LINE_COUNT = 6;

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    lines: Array.from({ length: LINE_COUNT }, (_, index) => read(`line-${index}`)),
    text: read("text-muted"),
    grid: read("grid"),
    surface: read("surface"),
    target: read("ok"),
    warning: read("warning"),
    critical: read("critical"),
    pending: read("no-data"),
  };
}

/** Return the colour of a limit's line: by what it is, or by what its name ends with. */
export function thresholdColor(palette: Palette, name: string): string {
  if (/critical$/.test(name)) return palette.critical;
  if (/warning$/.test(name)) return palette.warning;
  return /target$/.test(name) ? palette.target : palette.text;
}
