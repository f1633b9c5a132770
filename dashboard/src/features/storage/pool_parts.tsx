/** What is said of a pool, in its panel and on its page. */
import type { StorageArray, StoragePool } from "../../api/types";
import * as number from "../../format/number";
import { HostLink, Words } from "../../ui/condition";
import type { FactRow } from "../../ui/facts";
import { Ago, Quantity } from "../../ui/figures";
import { Scan } from "./parts";
import { damagedBeyond } from "./words";

export const known = (rows: readonly (FactRow | null)[]): FactRow[] => rows.filter((row) => row !== null);

export const poolFacts = (pool: StoragePool): FactRow[] =>
  known([
    ["State", <Words key="state" state={pool.state} words={pool.words} />],
    ["Since", <Ago key="since" at={pool.state_since} />],
    ["Host", <HostLink key="host" host={pool.host} />],
    ["Size", <Quantity key="size" of={number.bytes(pool.size_bytes)} />],
    ["Used", <Quantity key="used" of={number.percent(pool.used_ratio)} />],
    ["Free", <Quantity key="free" of={number.bytes(pool.free_bytes)} />],
    pool.fragmentation_ratio === null
      ? null
      : ["Fragmented", <Quantity key="frag" of={number.percent(pool.fragmentation_ratio)} />],
    pool.compression_ratio === null
      ? null
      : ["Compressed", `${number.text(number.plain(pool.compression_ratio))} ×`],
    pool.dedup_ratio === null || pool.dedup_ratio === 1
      ? null
      : ["Deduplicated", `${number.text(number.plain(pool.dedup_ratio))} ×`],
    pool.data_errors === null
      ? null
      : ["Data errors", <Quantity key="errors" of={number.count(pool.data_errors)} />],
    pool.datasets === null
      ? null
      : ["Datasets", <Quantity key="datasets" of={number.count(pool.datasets)} />],
    pool.mountpoints.length === 0 ? null : ["Mounted at", pool.mountpoints.join(", ")],
  ]);

export function Scans({ of }: { of: StoragePool | StorageArray }) {
  if (of.scans.length === 0) return null;
  return (
    <>
      <h3 className="panel-part">{of.scans.some(({ running }) => running) ? "Running, and last" : "Last"}</h3>
      {of.scans.map((scan) => (
        <Scan key={`${scan.function} ${scan.part}`} scan={scan} />
      ))}
    </>
  );
}

export const knowsDamage = (pool: StoragePool): boolean =>
  pool.damaged_files.length > 0 || damagedBeyond(pool) !== null;

/** Files that are lost for good. */
export function DamagedFiles({ pool }: { pool: StoragePool }) {
  const more = damagedBeyond(pool);
  return (
    <>
      {pool.damaged_files.length > 0 && (
        <ul className="damaged-files">
          {pool.damaged_files.map((file) => (
            <li key={file}>
              <code>{file}</code>
            </li>
          ))}
        </ul>
      )}
      {more !== null && <p className="muted">{more}</p>}
    </>
  );
}

/** Space by kind and profile, of a btrfs. */
export function Allocation({ pool }: { pool: StoragePool }) {
  return (
    <ul className="panel-list">
      {pool.allocation.map((each) => (
        <li key={JSON.stringify(each)}>
          <span>{[each.type ?? each.kind, each.profile].filter(Boolean).map(String).join(", ")}</span>
          <span />
          <Quantity of={number.bytes(Number(each.used_bytes ?? each.size_bytes ?? Number.NaN))} />
        </li>
      ))}
    </ul>
  );
}
