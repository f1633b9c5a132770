/** The datasets of a pool: a tree as a table, and a panel for each. */
import { useMemo } from "react";
import { selector } from "../../api/selector";
import type { StorageDataset, StoragePool } from "../../api/types";
import { Chart } from "../../charts/chart";
import { inPanel } from "../../charts/of_host/sections";
import { ChartPageProvider } from "../../charts/provider";
import * as number from "../../format/number";
import { DISK_RANGE } from "../../format/range";
import { exact, parseTime } from "../../format/time";
import { Facts } from "../../ui/facts";
import { Ago, Bar, Quantity } from "../../ui/figures";
import { FILESYSTEM_LIMITS } from "../../ui/limits";
import type { Column, ListSpec } from "../../ui/list_table";
import { RowLink } from "../../ui/row_link";
import { Gone, SidePanel } from "../../ui/side_panel";
import { State } from "../../ui/state";
import { useOpenRow } from "../../ui/view";
import { datasetSpace } from "./charts";
import { known } from "./pool_parts";

/** A dataset with its place in the tree. */
export interface DatasetRow extends StorageDataset {
  id: string;
  host_silent: boolean;
  /** Its place among all, as the tree is written. */
  order: number;
  depth: number;
}

const MARKS: readonly never[] = [];
/** Deepest level that is set in further. */
const DEEPEST = 5;

/** As the API has them: children behind their parent. */
export const datasetRows = (datasets: readonly StorageDataset[], silent: boolean): DatasetRow[] =>
  datasets.map((dataset, order) => ({
    ...dataset,
    id: dataset.name,
    host_silent: silent,
    order,
    depth: dataset.name.split("/").length - 1,
  }));

const dash = <span className="muted">–</span>;
const bytes = (value: number | null) => <Quantity of={number.bytes(value)} />;

/** Share of its quota that it takes. */
export const quotaUsed = ({ quota_bytes: quota, used_bytes: used }: StorageDataset): number | null =>
  quota === null || used === null || quota <= 0 ? null : used / quota;

function Quota({ dataset }: { dataset: StorageDataset }) {
  if (dataset.quota_bytes === null) return dash;
  const share = quotaUsed(dataset);
  return (
    <div className="bar-cell">
      <div className="bar-line">
        <span className="sub">{number.text(number.bytes(dataset.quota_bytes))}</span>
        <Quantity of={number.percent(share)} />
      </div>
      <Bar ratio={share} limits={FILESYSTEM_LIMITS} />
    </div>
  );
}

/** Whether what is encrypted can be read. */
function Key({ dataset }: { dataset: StorageDataset }) {
  if (dataset.key_available === null) return <span className="muted">not encrypted</span>;
  return dataset.key_available ? <span>key loaded</span> : <State of="info" word="locked" />;
}

/** What it is, when it is more than a filesystem that is mounted where its name says. */
function below(dataset: StorageDataset): string {
  const words = [
    dataset.type === "volume" ? `volume of ${number.text(number.bytes(dataset.size_bytes))}` : null,
    dataset.mountpoint === "none" ? "not mounted" : dataset.mountpoint,
    dataset.readonly ? "read-only" : null,
  ];
  return words.filter(Boolean).join(" · ");
}

const COLUMNS = (tree: boolean): readonly Column<DatasetRow>[] => [
  {
    key: "dataset",
    words: "Dataset",
    sortBy: (row) => row.order,
    cell: (row) => (
      <div data-depth={tree ? Math.min(row.depth, DEEPEST) : undefined}>
        <RowLink row={`dataset:${row.name}`}>
          <span className="dataset">{tree ? row.name.split("/").at(-1) : row.name}</span>
        </RowLink>
        <div className="sub ellipsis">{below(row) || "\u00a0"}</div>
      </div>
    ),
  },
  {
    key: "used",
    words: "Used",
    numeric: true,
    sortBy: (row) => row.used_bytes,
    cell: (row) => bytes(row.used_bytes),
  },
  {
    key: "available",
    words: "Available",
    numeric: true,
    sortBy: (row) => row.available_bytes,
    cell: (row) => bytes(row.available_bytes),
  },
  { key: "quota", words: "Quota", numeric: true, sortBy: quotaUsed, cell: (row) => <Quota dataset={row} /> },
  {
    key: "compression",
    words: "Compressed",
    numeric: true,
    sortBy: (row) => row.compression_ratio,
    cell: (row) =>
      row.compression_ratio === null ? dash : `${number.text(number.plain(row.compression_ratio))} ×`,
  },
  {
    key: "key",
    words: "Key",
    sortBy: (row) => (row.key_available === null ? 0 : row.key_available ? 1 : 2),
    cell: (row) => <Key dataset={row} />,
  },
  {
    key: "snapshots",
    words: "Snapshots",
    numeric: true,
    sortBy: (row) => row.snapshots,
    cell: (row) => <Quantity of={number.count(row.snapshots)} />,
  },
  {
    key: "newest",
    words: "Newest",
    numeric: true,
    sortBy: (row) => parseTime(row.newest_snapshot_at),
    cell: (row) => (row.newest_snapshot_at === null ? dash : <Ago at={row.newest_snapshot_at} />),
  },
];

const spec = (tree: boolean): ListSpec<DatasetRow> => ({
  many: "Datasets",
  name: "storage datasets",
  columns: COLUMNS(tree),
  first: { key: "dataset", descending: false },
  also: (row) =>
    [
      row.name,
      row.type,
      row.mountpoint,
      row.encryption,
      row.key_available === false ? "locked" : "",
      row.readonly ? "read-only" : "",
    ].join(" "),
});

/** As a tree each is named by its last word; in any other order, or when some are missing, by all of its name. */
export const TREE = spec(true);
export const FLAT = spec(false);

/** The live stream is asked for this one alone: a pool may have a thousand. */
function Space({ pool: { host, name: pool }, name }: { pool: StoragePool; name: string }) {
  const charts = useMemo(() => inPanel([datasetSpace({ host, name: pool }, name)]), [host, pool, name]);
  const match = useMemo(
    () => charts.flatMap(({ selections }) => selections.map((each) => selector(each))),
    [charts],
  );
  return (
    <ChartPageProvider host={host} match={match} marks={MARKS} usual={DISK_RANGE}>
      {charts.map((spec) => (
        <Chart key={spec.id} spec={spec} />
      ))}
    </ChartPageProvider>
  );
}

function Part({ dataset, pool }: { dataset: StorageDataset; pool: StoragePool }) {
  const made = parseTime(dataset.created_at);
  const rows = known([
    ["Type", dataset.type ?? "–"],
    dataset.mountpoint === null ? null : ["Mounted at", dataset.mountpoint],
    ["Used", bytes(dataset.used_bytes)],
    ["Available", bytes(dataset.available_bytes)],
    ["By snapshots", bytes(dataset.used_by_snapshots_bytes)],
    dataset.size_bytes === null ? null : ["Size", bytes(dataset.size_bytes)],
    dataset.quota_bytes === null ? null : ["Quota", bytes(dataset.quota_bytes)],
    dataset.refquota_bytes === null ? null : ["Quota without children", bytes(dataset.refquota_bytes)],
    dataset.reservation_bytes === null ? null : ["Reserved", bytes(dataset.reservation_bytes)],
    dataset.compression_ratio === null
      ? null
      : ["Compressed", `${number.text(number.plain(dataset.compression_ratio))} ×`],
    ["Encryption", dataset.encryption ?? "none"],
    dataset.key_available === null ? null : ["Key", <Key key="key" dataset={dataset} />],
    ["Snapshots", <Quantity key="snapshots" of={number.count(dataset.snapshots)} />],
    dataset.newest_snapshot_at === null
      ? null
      : ["Newest snapshot", <Ago key="newest" at={dataset.newest_snapshot_at} />],
    dataset.origin === null ? null : ["Cloned from", dataset.origin],
    dataset.readonly ? ["Writable", "no"] : null,
    made === null ? null : ["Made", exact(made)],
  ]);
  return (
    <>
      <Facts rows={rows} />
      <Space pool={pool} name={dataset.name} />
    </>
  );
}

/** `shown`: the rows of the table in their order; `all`: every dataset. */
export function DatasetPanel({
  pool,
  all,
  shown,
}: {
  pool: StoragePool;
  all: readonly StorageDataset[];
  shown: readonly StorageDataset[];
}) {
  const { row, show, close } = useOpenRow();
  if (row === null || !row.startsWith("dataset:")) return null;
  const name = row.slice("dataset:".length);
  const dataset = all.find((each) => each.name === name);
  return (
    <SidePanel
      row={row}
      kind={`Dataset of ${pool.host}`}
      heading={name}
      rows={shown.map((each) => `dataset:${each.name}`)}
      show={show}
      close={close}
    >
      <div key={row} className="panel-parts">
        {dataset === undefined ? <Gone what={`Dataset ${name}`} /> : <Part dataset={dataset} pool={pool} />}
      </div>
    </SidePanel>
  );
}
