/** The theme: light, dark, or what the system says. Kept on this device. */
import { useSyncExternalStore } from "react";

export type ThemeChoice = "system" | "light" | "dark";
export type ThemeName = "light" | "dark";

const KEY = "hi.theme";
const listeners = new Set<() => void>();
const system = typeof matchMedia === "function" ? matchMedia("(prefers-color-scheme: dark)") : null;

function stored(): ThemeChoice {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}

let choice: ThemeChoice = stored();

const nameOf = (): ThemeName => (choice === "system" ? (system?.matches ? "dark" : "light") : choice);

function apply(): void {
  document.documentElement.dataset.theme = nameOf();
  for (const listener of listeners) listener();
}

system?.addEventListener("change", apply);

export function chooseTheme(next: ThemeChoice): void {
  choice = next;
  try {
    if (next === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
  } catch {
    // Without storage the choice lasts until the page is closed.
  }
  apply();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What the user chose. */
export const useThemeChoice = (): ThemeChoice => useSyncExternalStore(subscribe, () => choice);
/** What is shown. */
export const useThemeName = (): ThemeName => useSyncExternalStore(subscribe, nameOf);
