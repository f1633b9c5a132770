/** Texts: what was typed in them, and what things are called. Pure. */
import * as number from "./number";

/** Whether all words that were typed are somewhere in a text. */
export function hasWords(text: string, wanted: string): boolean {
  const where = text.toLowerCase();
  return wanted
    .toLowerCase()
    .split(/\s+/)
    .every((word) => where.includes(word));
}

/** `size_bytes` as "Size", with its unit taken off. */
export function sentence(key: string): string {
  const words = key.replace(/_(bytes|seconds|celsius|ratio)$/, "").replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A value of a fact as people read it; its unit stands in the key. */
export function factValue(key: string, value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") {
    if (key.endsWith("_bytes")) return number.text(number.capacity(value));
    if (key.endsWith("_celsius")) return number.text(number.celsius(value));
    if (key.endsWith("_ratio")) return number.text(number.percent(value));
    return Number.isInteger(value) ? number.text(number.count(value)) : number.text(number.plain(value));
  }
  if (Array.isArray(value)) {
    if (value.every((each) => typeof each !== "object")) return value.join(", ") || "–";
    return value.length === 1 ? "1 entry" : `${value.length} entries`;
  }
  if (typeof value === "object") {
    return Object.entries(value)
      .map(([name, part]) => `${sentence(name).toLowerCase()} ${factValue(name, part)}`)
      .join(", ");
  }
  return String(value);
}
