/** Menus on Radix: focus, arrow keys and Esc as people expect. */
import * as Dropdown from "@radix-ui/react-dropdown-menu";
import type { ReactNode } from "react";
import { Icon, type IconName } from "./icons";

/** A button that opens a menu. Without `text` it shows its icon only. */
export function Menu({
  label,
  icon,
  text,
  children,
}: {
  label: string;
  icon: IconName;
  text?: ReactNode;
  children: ReactNode;
}) {
  return (
    <Dropdown.Root modal={false}>
      <Dropdown.Trigger
        className={text === undefined ? "icon-button" : "button"}
        aria-label={label}
        title={label}
      >
        <Icon name={icon} />
        {text}
        {text !== undefined && <Icon name="chevron" size={12} />}
      </Dropdown.Trigger>
      <Dropdown.Portal>
        <Dropdown.Content className="floating menu" align="end" sideOffset={4} collisionPadding={8}>
          {children}
        </Dropdown.Content>
      </Dropdown.Portal>
    </Dropdown.Root>
  );
}

export function MenuItem({ onSelect, children }: { onSelect: () => void; children: ReactNode }) {
  return (
    <Dropdown.Item className="menu-item" onSelect={onSelect}>
      {children}
    </Dropdown.Item>
  );
}

/** An entry that is on or off; the menu stays open. */
export function MenuCheck({
  checked,
  onChange,
  children,
}: {
  checked: boolean;
  onChange: (checked: boolean) => void;
  children: ReactNode;
}) {
  return (
    <Dropdown.CheckboxItem
      className="menu-item"
      checked={checked}
      onCheckedChange={onChange}
      onSelect={(event) => event.preventDefault()}
    >
      <span className="menu-mark">
        <Dropdown.ItemIndicator>
          <Icon name="check" size={14} />
        </Dropdown.ItemIndicator>
      </span>
      {children}
    </Dropdown.CheckboxItem>
  );
}

/** One of several. */
export function MenuRadio<Value extends string>({
  value,
  onChange,
  options,
}: {
  value: Value;
  onChange: (value: Value) => void;
  options: readonly (readonly [Value, string])[];
}) {
  return (
    <Dropdown.RadioGroup value={value} onValueChange={(next) => onChange(next as Value)}>
      {options.map(([key, words]) => (
        <Dropdown.RadioItem key={key} value={key} className="menu-item">
          <span className="menu-mark">
            <Dropdown.ItemIndicator>
              <Icon name="check" size={14} />
            </Dropdown.ItemIndicator>
          </span>
          {words}
        </Dropdown.RadioItem>
      ))}
    </Dropdown.RadioGroup>
  );
}

export const MenuSeparator = () => <Dropdown.Separator className="menu-separator" />;
