/** What the reader chose, remembered by the browser; forgotten where it remembers nothing. */

const PREFIX = "sakshi.";

export type PreferenceName = "theme" | "range";

export function findPreference(name: PreferenceName): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null; // storage is switched off
  }
}

export function storePreference(name: PreferenceName, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // storage is switched off: the choice holds until the page is closed
  }
}
