// Small PNG files: 16 levels of each colour, at most 256 colours, by index.
// Comparisons allow for that little (see THRESHOLD in pictures.test.mjs).
import { crc32, deflateSync } from "node:zlib";

const LEVELS = 15;
const MOST_COLOURS = 256;
const level = (value) => Math.round((value * LEVELS) / 255);
const red = (key) => key >> 8;
const green = (key) => (key >> 4) & 15;
const blue = (key) => key & 15;

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** The most frequent colours, and to which of them each colour goes. */
function palette(keys) {
  const counts = new Map();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  const all = [...counts.keys()].sort((left, right) => counts.get(right) - counts.get(left) || left - right);
  const colours = all.slice(0, MOST_COLOURS);
  const distance = (left, right) =>
    (red(left) - red(right)) ** 2 + (green(left) - green(right)) ** 2 + (blue(left) - blue(right)) ** 2;
  const nearest = (key) =>
    colours.reduce(
      (best, colour, index) => (distance(colour, key) < distance(colours[best], key) ? index : best),
      0,
    );
  return { colours, index: new Map(all.map((key, at) => [key, at < MOST_COLOURS ? at : nearest(key)])) };
}

/** Packs what pngjs read. */
export function pack({ width, height, data }) {
  const keys = new Uint16Array(width * height);
  for (let at = 0; at < keys.length; at += 1) {
    keys[at] = (level(data[4 * at]) << 8) | (level(data[4 * at + 1]) << 4) | level(data[4 * at + 2]);
  }
  const { colours, index } = palette(keys);
  const rows = Buffer.alloc((width + 1) * height);
  for (let at = 0; at < keys.length; at += 1) {
    rows[at + Math.floor(at / width) + 1] = index.get(keys[at]);
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const entries = colours.flatMap((key) => [red(key), green(key), blue(key)].map((value) => value * 17));
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", head),
    chunk("PLTE", Buffer.from(entries)),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
