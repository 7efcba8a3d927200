import { create } from "zustand";
import type { ThemeName } from "@/charts/core/palette";

export type ThemeChoice = "system" | ThemeName;

interface ThemeStore {
  choice: ThemeChoice;
  /** The theme in effect. */
  name: ThemeName;
}

// The same key is read by public/theme.js before the first paint.
const STORAGE_KEY = "treering-theme";
const CHOICES: readonly ThemeChoice[] = ["system", "light", "dark"];
const systemDark = window.matchMedia("(prefers-color-scheme: dark)");

export const useTheme = create<ThemeStore>(() => {
  const choice = readChoice();
  return { choice, name: resolve(choice) };
});

systemDark.addEventListener("change", () => chooseTheme(useTheme.getState().choice));

export function chooseTheme(choice: ThemeChoice): void {
  const name = resolve(choice);
  document.documentElement.dataset.theme = name;
  try {
    localStorage.setItem(STORAGE_KEY, choice);
  } catch {
    // Storage is forbidden: the choice lasts as long as the page.
  }
  useTheme.setState({ choice, name });
}

/** Light to dark and back. Choosing what the system has anyway follows the system again. */
export function toggleTheme(): void {
  const next: ThemeName = useTheme.getState().name === "dark" ? "light" : "dark";
  chooseTheme(next === resolve("system") ? "system" : next);
}

function resolve(choice: ThemeChoice): ThemeName {
  if (choice !== "system") return choice;
  return systemDark.matches ? "dark" : "light";
}

function readChoice(): ThemeChoice {
  try {
    const stored = localStorage.getItem(STORAGE_KEY);
    return CHOICES.find((choice) => choice === stored) ?? "system";
  } catch {
    return "system";
  }
}
