/** Search, time range where a page has one, theme, help. */
import { useMatch } from "@tanstack/react-router";
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

export function TopBar({ onSearch, onHelp }: { onSearch: () => void; onHelp: () => void }) {
  const choice = useThemeChoice();
  const name = useThemeName();
  const onHost = useMatch({ from: "/hosts/$host", shouldThrow: false }) !== undefined;
  return (
    <header className="top-bar">
      <button type="button" className="search-button" onClick={onSearch} aria-keyshortcuts="Control+K">
        <Icon name="search" />
        <span>Search hosts and pages</span>
        <kbd>Ctrl K</kbd>
      </button>
      <div className="top-bar-end">
        {onHost && <RangePicker />}
        <Menu label="Theme" icon={choice === "system" ? "monitor" : name}>
          <MenuRadio value={choice} onChange={chooseTheme} options={THEMES} />
        </Menu>
        <IconButton icon="help" label="Keyboard help" onClick={onHelp} className="not-on-phone" />
      </div>
    </header>
  );
}
