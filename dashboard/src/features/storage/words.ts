/** Storage in words. Pure. */
import type { StorageDisk, StoragePool, StorageScan, StorageVdev } from "../../api/types";
import * as number from "../../format/number";
import { sentence } from "../../format/words";

/** Where a disk is, as people look for it. */
export function place({
  enclosure,
  slot,
  path,
}: Pick<StorageDisk, "enclosure" | "slot" | "path">): string | null {
  if (slot !== null) return enclosure === null ? `slot ${slot}` : `${enclosure}, slot ${slot}`;
  return enclosure ?? path;
}

const TRANSPORTS: Record<string, string> = {
  sata: "SATA",
  sas: "SAS",
  nvme: "NVMe",
  usb: "USB",
  mmc: "MMC",
  iscsi: "iSCSI",
  fc: "FC",
  virtio: "virtio",
  scsi: "SCSI",
};
export const transport = (name: string | null): string | null =>
  name === null ? null : (TRANSPORTS[name] ?? name);

/** What a disk says of itself, or why it says nothing. */
export function verdict(disk: StorageDisk): string {
  if (disk.verdict !== null) return disk.verdict;
  if (disk.unreadable !== null) return "cannot be read";
  return disk.state === "unknown" ? "no health data" : "–";
}

const ERRORS: Record<string, string> = {
  reallocated_sectors: "reallocated sectors",
  pending_sectors: "sectors waiting to be replaced",
  uncorrectable_sectors: "uncorrectable sectors",
  reported_uncorrectable: "uncorrectable errors reported",
  media_errors: "media errors",
  uncorrected_reads: "uncorrected read errors",
  uncorrected_writes: "uncorrected write errors",
  uncorrected_verifies: "uncorrected verify errors",
  crc_errors: "errors on the cable (CRC)",
  log_entries: "entries in the error log",
};

/** Kinds of errors with their counts, those that there are first. */
export function errorLines(errors: Readonly<Record<string, number>>): [words: string, count: number][] {
  return Object.entries(errors)
    .map(([kind, count]): [string, number] => [ERRORS[kind] ?? sentence(kind), count])
    .sort((left, right) => Number(right[1] > 0) - Number(left[1] > 0));
}

/** What the list of damaged files does not say: why there is none, or how many it leaves out. */
export function damagedBeyond({
  damaged_files: files,
  damaged_files_count: count,
  damaged_files_unread: unread,
}: Pick<StoragePool, "damaged_files" | "damaged_files_count" | "damaged_files_unread">): string | null {
  if (unread !== null) return `Which ones is not known: ${unread}`;
  if (files.length === 0) return null;
  if (count === null) return "and more";
  return count > files.length ? `and ${number.text(number.count(count - files.length))} more` : null;
}

const FUNCTIONS: Record<string, string> = {
  recover: "rebuild",
  error_scrub: "error scrub",
  expand: "expansion",
  remove: "removal",
};
export const scanWords = ({ function: name, part }: StorageScan): string =>
  `${FUNCTIONS[name] ?? name}${part === "" ? "" : ` of ${part}`}`;

/** `3 read, 1 checksum`; nothing while there are none. */
export function vdevErrors(
  vdev: Pick<StorageVdev, "read_errors" | "write_errors" | "checksum_errors">,
): string {
  const counts: [string, number | null][] = [
    ["read", vdev.read_errors],
    ["write", vdev.write_errors],
    ["checksum", vdev.checksum_errors],
  ];
  return counts
    .filter(([, count]) => count !== null && count > 0)
    .map(([word, count]) => `${number.text(number.count(count))} ${word}`)
    .join(", ");
}

/** What a pool is made of, in short: `2 × mirror of 2, log, 1 spare`. */
export function layout(vdevs: readonly StorageVdev[]): string {
  const counts = new Map<string, number>();
  for (const vdev of vdevs) {
    const kind =
      vdev.type === "" || vdev.type === "device"
        ? "disk"
        : (/^(raidz|draid)\d/.exec(vdev.name)?.[0] ?? vdev.type);
    const of = vdev.children.length > 0 ? `${kind} of ${vdev.children.length}` : kind;
    const words = vdev.class === "data" ? of : vdev.children.length > 0 ? `${vdev.class} ${of}` : vdev.class;
    counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  return [...counts].map(([words, count]) => (count === 1 ? words : `${count} × ${words}`)).join(", ");
}

/** A tree as lines with their depth. */
export function flatten(vdevs: readonly StorageVdev[], depth = 0): { vdev: StorageVdev; depth: number }[] {
  return vdevs.flatMap((vdev) => [{ vdev, depth }, ...flatten(vdev.children, depth + 1)]);
}
