/**
 * Where the reader is: the route of the address, and the way back.
 *
 * Links do the going (`<a href="#kpi=...">`); the browser's back and forward work by themselves. Each
 * entry of the history knows how many views lie between it and where the page was entered, so that
 * closing a view goes back where there is something to go back to, and else just shows the page.
 */
import { tick } from "svelte";

import { formatRoute, isView, parseRoute, type Route } from "./route.ts";

interface Entry {
  depth: number;
}

export class Router {
  route = $state.raw<Route>(parseRoute(location.hash));
  #depth = 0;
  #isFirst = true;
  /** What had the focus when the first view opened, and that view's address. */
  #opener: HTMLElement | null = null;
  #openedHash = location.hash;

  constructor() {
    this.#enter();
    addEventListener("hashchange", () => this.#enter());
  }

  /** Leave the view, as the browser's back button would. */
  close(): void {
    if (!isView(this.route)) return;
    if (this.#depth > 0) history.back();
    else {
      history.replaceState({ depth: 0 } satisfies Entry, "", location.pathname + location.search);
      this.#enter();
    }
  }

  /** Go somewhere else without a new entry of the history. */
  replace(route: Route): void {
    history.replaceState(history.state, "", formatRoute(route));
    this.#enter();
  }

  #enter(): void {
    const entry = history.state as Partial<Entry> | null;
    const isNew = entry?.depth === undefined;
    this.#depth = entry?.depth ?? this.#depth + (this.#isFirst ? 0 : 1);
    if (isNew) history.replaceState({ depth: this.#depth } satisfies Entry, "");
    this.#isFirst = false;
    this.#change(parseRoute(location.hash));
  }

  #change(route: Route): void {
    const wasView = isView(this.route);
    if (!wasView && isView(route)) {
      this.#openedHash = location.hash;
      this.#opener = document.activeElement as HTMLElement | null;
    }
    this.route = route;
    if (wasView && route.view === "page") void this.#giveFocusBack();
  }

  async #giveFocusBack(): Promise<void> {
    await tick();
    const isHere = this.#opener?.isConnected && this.#opener !== document.body;
    const link = document.querySelector<HTMLElement>(`a[href="${CSS.escape(this.#openedHash)}"]`);
    (isHere ? this.#opener : link)?.focus();
  }
}
