/** The field that `/` jumps to. Esc empties it, then leaves it. */
import { Icon } from "./icons";

export function FilterField({
  value,
  onChange,
  label,
}: {
  value: string;
  onChange: (value: string) => void;
  label: string;
}) {
  return (
    <label className="filter">
      <Icon name="search" size={14} />
      <span className="sr-only">{label}</span>
      <input
        type="search"
        data-filter=""
        aria-keyshortcuts="/"
        placeholder={label}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          if (value === "") event.currentTarget.blur();
          else onChange("");
        }}
      />
      <kbd>/</kbd>
    </label>
  );
}
