/** History: what range queries tell of panels and KPIs, before live points go on with it. */
import type { Api } from "./api.ts";
import type { PanelQuery } from "./contract.ts";
import { type Lines, readHistory } from "./series.ts";
import type { Span } from "./span.ts";

/** Something that is drawn over time: a panel, or a KPI with its one line. */
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
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  return failure === undefined ? "" : String((failure.reason as Error).message);
}
