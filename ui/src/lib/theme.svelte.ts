/** Dark or light: what the reader chose, else what the system prefers, also when that changes. */
import { findPreference, storePreference } from "./preference.ts";

export type ThemeName = "dark" | "light";

export class Theme {
  #chosen = $state<ThemeName | null>(null);
  #preferred = $state<ThemeName>("dark");

  constructor() {
    const stored = findPreference("theme");
    if (stored === "dark" || stored === "light") this.#chosen = stored;
    const query = matchMedia("(prefers-color-scheme: light)");
    this.#preferred = query.matches ? "light" : "dark";
    query.addEventListener("change", () => {
      this.#preferred = query.matches ? "light" : "dark";
      this.#apply();
    });
    this.#apply();
  }

  get name(): ThemeName {
    return this.#chosen ?? this.#preferred;
  }

  toggle(): void {
    this.#chosen = this.name === "dark" ? "light" : "dark";
    storePreference("theme", this.#chosen);
    this.#apply();
  }

  #apply(): void {
    document.documentElement.dataset.theme = this.name;
  }
}
