/**
 * The baselines and a comparison with one of them, as a view shows them.
 *
 * Loaded when the view opens, when the reader chooses something else, and each minute while the page
 * is looked at. What was loaded stays when loading fails; `problem` then says why.
 */
import type { Api } from "./api.ts";
import type { BaselineCatalogue, Comparison, Period } from "./baseline.ts";

const REFRESH_MS = 60_000;

export class Baselines {
  catalogue = $state.raw<BaselineCatalogue | null>(null);
  comparison = $state.raw<Comparison | null>(null);
  /** Why the newest loading failed; empty where it did not. */
  problem = $state("");
  isLoading = $state(false);

  readonly #api: Api;
  #loading = new AbortController();
  #timer: ReturnType<typeof setInterval> | undefined;
  #name = "";
  #period: Period = "1h";

  constructor(api: Api) {
    this.#api = api;
  }

  /** Compare with a baseline, and go on doing so. @param name empty: the first that there is. */
  show(name: string, period: Period): void {
    if (name !== this.#name || period !== this.#period) this.comparison = null;
    this.#name = name;
    this.#period = period;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      if (document.visibilityState === "visible") this.refresh();
    }, REFRESH_MS);
    this.refresh();
  }

  refresh(): void {
    void this.#load();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#loading.abort();
  }

  async #load(): Promise<void> {
    this.#loading.abort();
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    this.isLoading = true;
    try {
      const catalogue = await this.#api.baselines(signal);
      if (signal.aborted) return;
      this.catalogue = catalogue;
      const name = this.#name || catalogue.baselines[0]?.name;
      const comparison =
        name === undefined ? null : await this.#api.comparison(name, this.#period, signal);
      if (signal.aborted) return;
      this.comparison = comparison;
      this.problem = "";
    } catch (error) {
      if (!signal.aborted) this.problem = (error as Error).message;
    } finally {
      if (!signal.aborted) this.isLoading = false;
    }
  }
}
