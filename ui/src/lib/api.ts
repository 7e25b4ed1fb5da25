/** sakshi's HTTP API, as far as the page asks it: definition, history, transitions, baselines. */
import type { BaselineCatalogue, Comparison } from "./baseline.ts";
import type { Definition, Transition } from "./contract.ts";
import type { Span } from "./span.ts";

const TRANSITIONS_MAX = 1000; // the server's own limit

/** One series of a range query: its labels, and `[seconds, text]` for each step that has a value. */
export interface RangeSeries {
  metric: Record<string, string>;
  values: [number, string][];
}

interface Answer<T> {
  status: "success" | "error";
  data?: T;
  error?: string;
}

/** The request was refused, or nobody answered it. */
export class ApiError extends Error {
  override name = "ApiError";
}

export class Api {
  readonly #base: URL;

  /** @param base the page's own folder: sakshi may be mounted under a prefix. */
  constructor(base: URL) {
    this.#base = base;
  }

  definition(signal: AbortSignal): Promise<Definition> {
    return this.#get("api/v1/sakshi/dashboard", {}, signal);
  }

  /** Return an expression's history at each step of a span, both edges included. */
  async range(expr: string, span: Span, signal: AbortSignal): Promise<RangeSeries[]> {
    const parameters = {
      query: expr,
      start: String(span.start),
      end: String(span.end),
      step: String(span.step),
    };
    const data = await this.#get<{ resultType: string; result: RangeSeries[] }>(
      "api/v1/query_range",
      parameters,
      signal,
    );
    return data.result;
  }

  /** Return the newest changes of alerts' states, newest first. */
  async transitions(signal: AbortSignal): Promise<Transition[]> {
    const data = await this.#get<{ transitions: Transition[] }>(
      "api/v1/sakshi/transitions",
      { limit: String(TRANSITIONS_MAX) },
      signal,
    );
    return data.transitions;
  }

  /** Return the baselines that there are, and what they are about. */
  baselines(signal: AbortSignal): Promise<BaselineCatalogue> {
    return this.#get("api/v1/sakshi/baselines", {}, signal);
  }

  /** Return a baseline compared with the time up to now. @param over a duration: `1h`. */
  comparison(name: string, over: string, signal: AbortSignal): Promise<Comparison> {
    const path = `api/v1/sakshi/baselines/${encodeURIComponent(name)}/comparison`;
    return this.#get(path, { over }, signal);
  }

  async #get<T>(path: string, parameters: Record<string, string>, signal: AbortSignal): Promise<T> {
    const url = new URL(path, this.#base);
    url.search = new URLSearchParams(parameters).toString();
    const answer = await fetch(url, { signal, cache: "no-store" })
      .then((response) => response.json() as Promise<Answer<T>>)
      .catch((error: unknown) => {
        throw new ApiError(`no answer to ${path}: ${String(error)}`, { cause: error });
      });
    if (answer.status !== "success" || answer.data === undefined) {
      throw new ApiError(answer.error ?? `no data in the answer to ${path}`);
    }
    return answer.data;
  }
}
