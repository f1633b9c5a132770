/** Which entries fit what was typed, best first. Pure. */
export function rank<Entry extends { words: string; also: string }>(
  wanted: string,
  entries: readonly Entry[],
): Entry[] {
  const terms = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  if (terms.length === 0) return [...entries];
  return entries
    .map((entry) => ({ entry, score: score(terms, entry) }))
    .filter(({ score }) => score > 0)
    .sort((left, right) => right.score - left.score)
    .map(({ entry }) => entry);
}

/** Every term must be found; beginnings count more than middles, names more than the rest. */
function score(terms: readonly string[], { words, also }: { words: string; also: string }): number {
  const name = words.toLowerCase();
  const rest = also.toLowerCase();
  let total = 0;
  for (const term of terms) {
    if (name.startsWith(term)) total += 8;
    else if (name.includes(term)) total += 4;
    else if (rest.includes(term)) total += 1;
    else return 0;
  }
  return total;
}
