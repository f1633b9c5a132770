/** Which lines of which charts are shown alone, as text for the URL: `chart:name,name;chart:name`. Pure. */

export type Lines = Readonly<Record<string, readonly string[]>>;

const encode = (name: string): string => name.replace(/[%:,;]/g, encodeURIComponent);

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function writeLines(lines: Lines): string | undefined {
  const parts = Object.entries(lines)
    .filter(([, names]) => names.length > 0)
    .map(([chart, names]) => `${encode(chart)}:${names.map(encode).join(",")}`);
  return parts.length === 0 ? undefined : parts.join(";");
}

/** What cannot be read is left out. */
export function readLines(text: string | undefined): Lines {
  const result: Record<string, string[]> = {};
  for (const part of (text ?? "").split(";")) {
    const [chart, names] = part.split(":");
    if (chart && names) result[decode(chart)] = names.split(",").map(decode);
  }
  return result;
}

/** The URL's value, if it says anything. */
export function parseLines(value: unknown): string | undefined {
  return typeof value === "string" ? writeLines(readLines(value)) : undefined;
}
