/** Whether all words that were typed are somewhere in a text. Pure. */
export function hasWords(text: string, wanted: string): boolean {
  const where = text.toLowerCase();
  return wanted
    .toLowerCase()
    .split(/\s+/)
    .every((word) => where.includes(word));
}
