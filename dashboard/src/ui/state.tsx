/** States: each with its own colour, icon and word, so that none depends on colour. */
import { Icon, type IconName } from "./icons";

export type Severity = "ok" | "info" | "warning" | "critical" | "unknown";

const WORDS: Record<Severity, string> = {
  ok: "ok",
  info: "info",
  warning: "warning",
  critical: "critical",
  unknown: "unknown",
};

/** Whatever the API says, as a severity that can be shown. */
export function severity(value: string): Severity {
  return value in WORDS ? (value as Severity) : value === "error" ? "critical" : "info";
}

/** Icon and word; `quiet` keeps the word for screen readers only. */
export function State({ of, word, quiet = false }: { of: Severity; word?: string; quiet?: boolean }) {
  const icon: IconName = of;
  return (
    <span className={`state state-${of}`} title={quiet ? (word ?? WORDS[of]) : undefined}>
      <Icon name={icon} />
      <span className={quiet ? "sr-only" : undefined}>{word ?? WORDS[of]}</span>
    </span>
  );
}
