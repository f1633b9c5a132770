/** The panel of the row that is open, whichever list it is of. */
import { Link } from "@tanstack/react-router";
import type { StorageArray, StorageDisk, StoragePool } from "../../api/types";
import { Chart } from "../../charts/chart";
import { inPanel, liveMatch } from "../../charts/of_host/sections";
import { ChartPageProvider } from "../../charts/provider";
import * as number from "../../format/number";
import { DISK_RANGE } from "../../format/range";
import { age } from "../../format/time";
import { sentence } from "../../format/words";
import { Findings, HostLink, Words } from "../../ui/condition";
import { type FactRow, Facts } from "../../ui/facts";
import { Ago, Quantity } from "../../ui/figures";
import { Gone, SidePanel } from "../../ui/side_panel";
import { useOpenRow } from "../../ui/view";
import { temperature } from "./charts";
import { DeviceLink } from "./parts";
import { Allocation, DamagedFiles, known, knowsDamage, poolFacts, Scans } from "./pool_parts";
import { type Kind, readRow } from "./search";
import { Vdevs } from "./vdevs";
import { errorLines, place, transport, verdict } from "./words";

export interface Lists {
  disk: readonly StorageDisk[];
  array: readonly StorageArray[];
  pool: readonly StoragePool[];
}

const MARKS: readonly never[] = [];
const ONE: Record<Kind, string> = { disk: "Disk", array: "Array", pool: "Pool" };

const text = (name: string, value: string | null): FactRow | null => (value === null ? null : [name, value]);

/** What is known of a disk; its page shows the same. */
export function diskFacts(disk: StorageDisk): FactRow[] {
  return known([
    ["Verdict", <Words key="verdict" state={disk.state} words={verdict(disk)} />],
    [
      "Temperature",
      <span key="temperature">
        <Quantity of={number.celsius(disk.temperature_celsius)} />
        {disk.temperature_limit_celsius !== null && (
          <span className="muted"> limit {number.text(number.celsius(disk.temperature_limit_celsius))}</span>
        )}
      </span>,
    ],
    ["Powered on", age(disk.power_on_seconds)],
    disk.power_cycles === null
      ? null
      : ["Switched on", `${number.text(number.count(disk.power_cycles))} times`],
    disk.wear_ratio === null ? null : ["Wear", <Quantity key="wear" of={number.percent(disk.wear_ratio)} />],
    disk.spare_ratio === null
      ? null
      : ["Spare", <Quantity key="spare" of={number.percent(disk.spare_ratio)} />],
    ["Capacity", <Quantity key="size" of={number.capacity(disk.size_bytes)} />],
    text("Link", transport(disk.transport)),
    disk.rotational === null ? null : ["Kind", disk.rotational ? "rotating" : "solid state"],
    ["Host", <HostLink key="host" host={disk.host} />],
    ["Device", disk.device],
    text("Place", place(disk)),
    text("Model", disk.model),
    text("Serial number", disk.serial),
    text("WWN", disk.wwn),
    text("Firmware", disk.firmware),
    disk.used_by.length === 0 ? null : ["Used for", disk.used_by.join(", ")],
    ["Last read", disk.last_read === null ? "never" : <Ago key="read" at={disk.last_read} />],
    disk.standby === true ? ["Power", "standby: it is not woken, its figures are from before"] : null,
  ]);
}

export function ErrorCounts({ disk }: { disk: StorageDisk }) {
  return (
    <ul className="panel-list error-counts">
      {errorLines(disk.errors).map(([words, count]) => (
        <li key={words}>
          <span>{words}</span>
          <span />
          <Quantity of={number.count(count)} />
        </li>
      ))}
    </ul>
  );
}

function DiskPart({ disk }: { disk: StorageDisk }) {
  const shape = { host: disk.host, device: disk.health_device, errors: [], wear: false, temperature: true };
  const charts = disk.temperature_celsius === null ? [] : inPanel([temperature(shape)]);
  return (
    <>
      <Findings findings={disk.findings} />
      <Facts rows={diskFacts(disk)} />
      {Object.keys(disk.errors).length > 0 && (
        <>
          <h3 className="panel-part">Errors it counts</h3>
          <ErrorCounts disk={disk} />
        </>
      )}
      {charts.length > 0 && (
        <ChartPageProvider
          host={disk.host}
          match={liveMatch(charts, disk.host)}
          marks={MARKS}
          usual={DISK_RANGE}
        >
          {charts.map((spec) => (
            <Chart key={spec.id} spec={spec} />
          ))}
        </ChartPageProvider>
      )}
      <p>
        <Link to="/disks/$id" params={{ id: disk.id }}>
          Attributes, self-tests, error log and history
        </Link>
      </p>
    </>
  );
}

function PoolPart({ pool }: { pool: StoragePool }) {
  return (
    <>
      <Findings findings={pool.findings} />
      {pool.reason !== null && pool.state !== "ok" && <p className="panel-quote">{pool.reason}</p>}
      <Facts rows={poolFacts(pool)} />
      {knowsDamage(pool) && (
        <>
          <h3 className="panel-part">Damaged files</h3>
          <DamagedFiles pool={pool} />
        </>
      )}
      <Scans of={pool} />
      <h3 className="panel-part">Devices</h3>
      <Vdevs vdevs={pool.vdevs} />
      {pool.allocation.length > 0 && (
        <>
          <h3 className="panel-part">Allocation</h3>
          <Allocation pool={pool} />
        </>
      )}
      <p>
        <Link to="/pools/$id" params={{ id: pool.id }}>
          {pool.type === "zfs" ? "Datasets, snapshots and history" : "All of this pool"}
        </Link>
      </p>
    </>
  );
}

function ArrayPart({ array }: { array: StorageArray }) {
  return (
    <>
      <Findings findings={array.findings} />
      <Facts
        rows={known([
          ["State", <Words key="state" state={array.state} words={array.words} />],
          ["Since", <Ago key="since" at={array.state_since} />],
          ["Host", <HostLink key="host" host={array.host} />],
          text("Level", array.level),
          ["Size", <Quantity key="size" of={number.bytes(array.size_bytes)} />],
          text("Metadata", array.metadata),
          array.mismatch_bytes === null
            ? null
            : ["Mismatches", <Quantity key="mismatch" of={number.bytes(array.mismatch_bytes)} />],
          array.used_by.length === 0 ? null : ["Used for", array.used_by.join(", ")],
          text("UUID", array.uuid),
        ])}
      />
      <Scans of={array} />
      <h3 className="panel-part">Members</h3>
      <ul className="panel-list">
        {array.members.map((member) => (
          <li key={member.device}>
            <DeviceLink disk={member.disk}>{member.device}</DeviceLink>
            <span className="muted">{member.slot === null ? "" : `slot ${member.slot}`}</span>
            <Words state={member.state} words={sentence(member.role).toLowerCase()} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Part({ kind, row }: { kind: Kind; row: StorageDisk | StorageArray | StoragePool }) {
  switch (kind) {
    case "disk":
      return <DiskPart disk={row as StorageDisk} />;
    case "array":
      return <ArrayPart array={row as StorageArray} />;
    default:
      return <PoolPart pool={row as StoragePool} />;
  }
}

/** `all`: everything there is; `shown`: the rows of the lists in their order. */
export function StoragePanel({ all, shown }: { all: Lists; shown: Lists }) {
  const { row, show, close } = useOpenRow();
  const wanted = readRow(row);
  if (row === null || wanted === null) return null;
  const { kind, id } = wanted;
  const found = (all[kind] as readonly { id: string }[]).find((each) => each.id === id);
  const name = id.slice(id.indexOf(":") + 1);
  const thing = found as StorageDisk | StorageArray | StoragePool | undefined;
  const words = thing === undefined ? name : "name" in thing ? thing.name : (thing.model ?? thing.device);
  return (
    <SidePanel
      row={row}
      kind={`${ONE[kind]}${thing === undefined ? "" : ` of ${thing.host}`}`}
      heading={
        kind !== "array" && thing !== undefined ? (
          <Link to={kind === "disk" ? "/disks/$id" : "/pools/$id"} params={{ id }}>
            {words}
          </Link>
        ) : (
          words
        )
      }
      rows={shown[kind].map((each) => `${kind}:${each.id}`)}
      show={show}
      close={close}
    >
      <div key={row} className="panel-parts">
        {thing === undefined ? <Gone what={`${ONE[kind]} ${name}`} /> : <Part kind={kind} row={thing} />}
      </div>
    </SidePanel>
  );
}
