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

/** What leaves room above and below the values of a sparkline that does not begin at zero: none is a mountain of noise. */
export function spread(values: readonly (number | null)[]): { low: number; high: number } {
  const known = values.filter((value) => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const room = Math.max((high - low) * 0.1, Math.abs(high) * 0.01, 1e-9);
  return known.length === 0 ? { low: 0, high: 1 } : { low: low - room, high: high + room };
}

/** The last hour at a glance, between its own least and greatest. */
export function Trend({ values, label }: { values: readonly (number | null)[]; label: string }) {
  const { low, high } = spread(values);
  const above = values.map((value) => (value === null ? null : value - low));
  const path = sparkPath(above, high - low, 72, 20);
  return (
    <svg className="sparkline" viewBox="0 0 72 20" preserveAspectRatio="none" role="img" aria-label={label}>
      <path d={path} vectorEffect="non-scaling-stroke" />
    </svg>
  );
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
