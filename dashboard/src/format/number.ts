/**
 * Numbers as people say them. Every function here is pure and returns the
 * number and its unit apart, so that the unit can be shown muted.
 */

/** A number ready to be shown, and its unit (empty when it has none). */
export interface Quantity {
  value: string;
  unit: string;
}

/** What a missing number is shown as. */
export const MISSING: Quantity = { value: "–", unit: "" };

const formats = new Map<number, Intl.NumberFormat>();

function fixed(value: number, decimals: number): string {
  let format = formats.get(decimals);
  if (format === undefined) {
    format = new Intl.NumberFormat(undefined, {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    });
    formats.set(decimals, format);
  }
  return format.format(value);
}

/** Three significant figures, never in exponent notation; whole numbers stay whole. */
export function significant(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 99.95) return fixed(value, 0);
  if (Number.isInteger(value)) return fixed(value, 0);
  if (size >= 9.995) return fixed(value, 1);
  if (size >= 0.01) return fixed(value, 2);
  return fixed(value, 4);
}

/** Picks the prefix whose number has at most `base` before the point. */
function prefixed(value: number, base: number, units: readonly string[]): Quantity {
  let scaled = value;
  let index = 0;
  // 999.5 would be rounded to "1000": it belongs to the next unit already.
  while (Math.abs(scaled) >= base - 0.5 && index < units.length - 1) {
    scaled /= base;
    index += 1;
  }
  return { value: significant(scaled), unit: units[index] ?? "" };
}

const IEC_BYTES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const SI_BYTES = ["B", "kB", "MB", "GB", "TB", "PB"] as const;
const BITS = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"] as const;
const COUNTS = ["", "k", "M", "G", "T"] as const;

const known = (value: number | null | undefined): value is number =>
  value !== null && value !== undefined && Number.isFinite(value);

/** Memory and filesystems: GiB. */
export function bytes(value: number | null | undefined): Quantity {
  return known(value) ? prefixed(value, 1024, IEC_BYTES) : MISSING;
}

/** A disk's capacity, as on its label: TB. */
export function capacity(value: number | null | undefined): Quantity {
  return known(value) ? prefixed(value, 1000, SI_BYTES) : MISSING;
}

/** Bytes per second of disks: MiB/s. */
export function bytesPerSecond(value: number | null | undefined): Quantity {
  if (!known(value)) return MISSING;
  const { value: text, unit } = prefixed(value, 1024, IEC_BYTES);
  return { value: text, unit: `${unit}/s` };
}

/** Network rates: takes *bytes* per second, says bits. */
export function bitsPerSecond(bytesEachSecond: number | null | undefined): Quantity {
  return known(bytesEachSecond) ? prefixed(bytesEachSecond * 8, 1000, BITS) : MISSING;
}

/** A ratio of 0 to 1 as per cent: one decimal below ten, none above. */
export function percent(ratio: number | null | undefined): Quantity {
  if (!known(ratio)) return MISSING;
  const value = ratio * 100;
  const whole = Math.abs(value) >= 9.95 || Math.abs(value) < 0.05;
  return { value: fixed(value, whole ? 0 : 1), unit: "%" };
}

/** A plain number with a unit of its own, for example "operations/s". */
export function plain(value: number | null | undefined, unit = ""): Quantity {
  return known(value) ? { value: significant(value), unit } : MISSING;
}

/** Large counts, shortened: 1.2 M. */
export function short(value: number | null | undefined, unit = ""): Quantity {
  if (!known(value)) return MISSING;
  const { value: text, unit: prefix } = prefixed(value, 1000, COUNTS);
  return { value: text, unit: prefix + unit };
}

/** A whole count with every digit, grouped. */
export function count(value: number | null | undefined): Quantity {
  return known(value) ? { value: fixed(Math.round(value), 0), unit: "" } : MISSING;
}

/** Degrees Celsius. */
export function celsius(value: number | null | undefined): Quantity {
  return known(value) ? { value: fixed(value, 0), unit: "°C" } : MISSING;
}

const UNITS: Record<string, string> = {
  volts: "V",
  amperes: "A",
  watts: "W",
  rpm: "rpm",
};

/** A value with the unit that the API names. */
export function measured(value: number | null | undefined, unit: string): Quantity {
  switch (unit) {
    case "celsius":
      return celsius(value);
    case "bytes":
      return bytes(value);
    case "ratio":
      return percent(value);
    case "hertz":
      return hertz(value);
    case "rpm":
      return { ...count(value), unit: known(value) ? "rpm" : "" };
    case "joules":
      return known(value) ? plain(value / 3.6e6, "kWh") : MISSING;
    default:
      return plain(value, UNITS[unit] ?? "");
  }
}

const HERTZ = ["Hz", "kHz", "MHz", "GHz"] as const;

/** Clocks: 1.44 GHz. */
export function hertz(value: number | null | undefined): Quantity {
  return known(value) ? prefixed(value, 1000, HERTZ) : MISSING;
}

/** An amount of money: a currency by its code as the user's language writes it, any other behind the number. */
export function money(value: number | null | undefined, currency: string): string {
  if (!known(value)) return MISSING.value;
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(value);
  } catch {
    return `${fixed(value, 2)}\u2009${currency}`;
  }
}

/** Both parts with a thin space between, for titles, labels and CSV. */
export function text(quantity: Quantity): string {
  return quantity.unit === "" ? quantity.value : `${quantity.value}\u2009${quantity.unit}`;
}
