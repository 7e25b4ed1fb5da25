/** History: what range queries tell of panels and KPIs, before live points go on with it. */
import type { Api, RangeSeries } from "./api.ts";
import type { Kpi, PanelQuery } from "./contract.ts";
import { type Lines, readHistory } from "./series.ts";
import type { Span } from "./span.ts";

const KPIS_MAX = 25; // of a query: its tree, and its address, stay small

/** Something that is drawn over time. */
export interface Drawn {
  id: string;
  queries: readonly PanelQuery[];
}

/**
 * Load the history of several things; hand each over as soon as it is there.
 *
 * @param onLines not called any more once the signal is aborted.
 * @returns the first failure's text; empty where all went well. A failure costs one history only.
 */
export async function loadHistory(
  api: Api,
  drawn: readonly Drawn[],
  span: Span,
  signal: AbortSignal,
  onLines: (id: string, lines: Lines) => void,
): Promise<string> {
  const outcomes = await Promise.allSettled(
    drawn.map(async ({ id, queries }) => {
      const answers = await Promise.all(
        queries.map(async ({ legend, expr }) => ({
          legend,
          series: await api.range(expr, span, signal),
        })),
      );
      if (!signal.aborted) onLines(id, readHistory(answers, span));
    }),
  );
  return firstFailure(outcomes);
}

/**
 * Load the recorded values of KPIs, as loadHistory does: many KPIs with one query, as each
 * recorded value carries its KPI's name as the label `kpi`.
 *
 * @param legend the key of each KPI's only line.
 */
export async function loadKpis(
  api: Api,
  kpis: readonly Kpi[],
  legend: string,
  span: Span,
  signal: AbortSignal,
  onLines: (linesByName: Readonly<Record<string, Lines>>) => void,
): Promise<string> {
  const outcomes = await Promise.allSettled(
    chunk(kpis, KPIS_MAX).map(async (some) => {
      const series = await api.range(some.map((kpi) => kpi.series).join(" or "), span, signal);
      if (signal.aborted) return;
      onLines(Object.fromEntries(some.map(({ name }) => [name, linesOf(name, series)])));
    }),
  );
  return firstFailure(outcomes);

  function linesOf(name: string, series: readonly RangeSeries[]): Lines {
    return readHistory([{ legend, series: series.filter((one) => one.metric.kpi === name) }], span);
  }
}

function chunk<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

function firstFailure(outcomes: readonly PromiseSettledResult<void>[]): string {
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  return failure === undefined ? "" : String((failure.reason as Error).message);
}
