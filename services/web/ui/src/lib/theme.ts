// Light, dark, or as the system has it. The choice is a data attribute on <html>; the colours are in theme.css.
export type Theme = "system" | "light" | "dark";

const KEY = "tip.theme";
const NEXT: Record<Theme, Theme> = {system: "dark", dark: "light", light: "system"};
export const THEME_CHANGED = "tip:theme";

export function themeNow(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function applyTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function switchTheme(): Theme {
  const theme = NEXT[themeNow()];
  if (theme === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, theme);
  applyTheme(theme);
  dispatchEvent(new Event(THEME_CHANGED));
  return theme;
}
