/** Small figures inside text and tables: numbers, times, bars, sparklines. */
import type { Quantity as Value } from "../format/number";
import { ago, exact, parseTime } from "../format/time";
import { useNow } from "./now";

/** A number with its unit muted, a thin space between. */
export function Quantity({ of }: { of: Value }) {
  return (
    <span className="quantity">
      {of.value}
      {of.unit !== "" && <span className="unit">{`\u2009${of.unit}`}</span>}
    </span>
  );
}

/** "5 s ago", the exact time on hover. */
export function Ago({ at, prefix = "" }: { at: string | null; prefix?: string }) {
  const time = parseTime(at);
  const now = useNow();
  if (time === null) return <span className="muted">never</span>;
  return (
    <time dateTime={at ?? undefined} title={exact(time)}>
      {prefix}
      {ago(time, now)}
    </time>
  );
}

/** Above these shares a bar turns amber, then red. */
export interface BarLimits {
  warning: number;
  critical: number;
}

export function level(ratio: number, limits: BarLimits | undefined): "" | "warning" | "critical" {
  if (limits === undefined) return "";
  if (ratio >= limits.critical) return "critical";
  return ratio >= limits.warning ? "warning" : "";
}

/** A horizontal bar of a share; the number beside it says the same. */
export function Bar({ ratio, limits }: { ratio: number | null; limits?: BarLimits }) {
  const share = ratio === null ? 0 : Math.max(0, Math.min(1, ratio));
  return (
    <span className={`bar ${level(share, limits)}`} aria-hidden="true">
      <span style={{ width: `${(share * 100).toFixed(1)}%` }} />
    </span>
  );
}

/** An SVG path over the known values; unknown ones break it. */
export function sparkPath(
  values: readonly (number | null)[],
  top: number,
  width: number,
  height: number,
): string {
  const last = Math.max(1, values.length - 1);
  let pen = "M";
  let path = "";
  values.forEach((value, index) => {
    if (value === null) {
      pen = "M";
      return;
    }
    const x = ((index / last) * width).toFixed(1);
    const y = (height - Math.min(1, Math.max(0, value / top)) * (height - 1) - 0.5).toFixed(1);
    path += `${pen}${x} ${y}`;
    pen = "L";
  });
  return path;
}

/** The last hour at a glance. From zero to `top`, or to its own greatest value. */
export function Sparkline({
  values,
  top,
  label,
}: {
  values: readonly (number | null)[];
  top?: number;
  label: string;
}) {
  const greatest = values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
  const path = sparkPath(values, top ?? (greatest || 1), 72, 20);
  return (
    <svg className="sparkline" viewBox="0 0 72 20" preserveAspectRatio="none" role="img" aria-label={label}>
      <path d={path} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
