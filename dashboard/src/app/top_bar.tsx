/** Search, time range where a page has one, theme, help. */
import { useRouterState } from "@tanstack/react-router";
import { DEFAULT_RANGE, DISK_RANGE, EVENTS_RANGE, type RangeName } from "../format/range";
import { IconButton } from "../ui/button";
import { Icon } from "../ui/icons";
import { Menu, MenuRadio } from "../ui/menu";
import { chooseTheme, type ThemeChoice, useThemeChoice, useThemeName } from "../ui/theme";
import { RangePicker } from "./range_picker";

const THEMES: readonly (readonly [ThemeChoice, string])[] = [
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
];

/** The range of a page when its URL names none; null where a range means nothing. */
function usualRange(path: string): RangeName | null {
  if (path === "/system") return null;
  if (path === "/storage" || path.startsWith("/disks/") || path.startsWith("/pools/")) return DISK_RANGE;
  return path === "/events" ? EVENTS_RANGE : DEFAULT_RANGE;
}

export function TopBar({ onSearch, onHelp }: { onSearch: () => void; onHelp: () => void }) {
  const choice = useThemeChoice();
  const name = useThemeName();
  const usual = useRouterState({ select: ({ location }) => usualRange(location.pathname) });
  return (
    <header className="top-bar">
      <button type="button" className="search-button" onClick={onSearch} aria-keyshortcuts="Control+K">
        <Icon name="search" />
        <span>Search hosts, disks, containers</span>
        <kbd>Ctrl K</kbd>
      </button>
      <div className="top-bar-end">
        {usual !== null && <RangePicker usual={usual} />}
        <Menu label="Theme" icon={choice === "system" ? "monitor" : name}>
          <MenuRadio value={choice} onChange={chooseTheme} options={THEMES} />
        </Menu>
        <IconButton icon="help" label="Keyboard help" onClick={onHelp} className="not-on-phone" />
      </div>
    </header>
  );
}
