/** The management controller of a host: its sensors and its event log. */
import { useQuery } from "@tanstack/react-query";
import { bmcLogQuery } from "../../../api/queries";
import type { Bmc, HostEvent, Sensor } from "../../../api/types";
import * as number from "../../../format/number";
import { exact, parseTime } from "../../../format/time";
import { Findings, Words } from "../../../ui/condition";
import { type FactRow, Facts } from "../../../ui/facts";
import { Ago, Quantity, Trend } from "../../../ui/figures";
import { Scroll } from "../../../ui/scroll";
import { State, severity } from "../../../ui/state";
import { Empty, ErrorNote } from "../../../ui/views";
import { SensorState, useTrends } from "./sensors";
import { limitWords, seriesKey } from "./words";

function facts(bmc: Bmc): FactRow[] {
  const text = (words: string, value: string | null): FactRow | null =>
    value === null ? null : [words, value];
  const rows: (FactRow | null)[] = [
    bmc.chassis_power_on === null ? null : ["Machine", bmc.chassis_power_on ? "switched on" : "switched off"],
    bmc.chassis_power_on === null
      ? null
      : [
          "Case",
          bmc.chassis_faults.length === 0 ? (
            "no fault"
          ) : (
            <span key="faults" className="state-warning">
              {bmc.chassis_faults.join(", ")}
            </span>
          ),
        ],
    bmc.power_watts === null ? null : ["Power", <Quantity key="w" of={number.plain(bmc.power_watts, "W")} />],
    bmc.log_entries === null
      ? null
      : ["Entries in its log", <Quantity key="log" of={number.count(bmc.log_entries)} />],
    bmc.log_free_bytes === null
      ? null
      : ["Free in its log", <Quantity key="free" of={number.bytes(bmc.log_free_bytes)} />],
    text("Maker", bmc.manufacturer),
    text("Product", bmc.product),
    text("Firmware", bmc.firmware),
    text("IPMI", bmc.ipmi_version),
    ["Last read", <Ago key="read" at={bmc.last_read} />],
  ];
  return rows.filter((row) => row !== null);
}

function Sensors({ host, sensors }: { host: string; sensors: readonly Sensor[] }) {
  const trends = useTrends(host, sensors);
  if (sensors.length === 0) return <Empty title="It tells of no sensors." />;
  return (
    <Scroll label="Sensors of the management controller">
      <table className="table sensors">
        <caption className="sr-only">Sensors of the management controller</caption>
        <thead>
          <tr>
            <th scope="col">Sensor</th>
            <th scope="col" className="numeric">
              Now
            </th>
            <th scope="col" data-column="trend">
              Last hour
            </th>
            <th scope="col" data-column="limits">
              Limits
            </th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {sensors.map((sensor) => {
            const trend = trends.get(seriesKey(sensor.metric, sensor.labels));
            return (
              <tr key={`${sensor.sensor} ${sensor.label}`}>
                <th scope="row">{sensor.label}</th>
                <td className="numeric">
                  <Quantity of={number.measured(sensor.value, sensor.unit)} />
                </td>
                <td data-column="trend">
                  {trend !== undefined && <Trend values={trend} label={`${sensor.label} in the last hour`} />}
                </td>
                <td className="muted" data-column="limits">
                  {limitWords(sensor)}
                </td>
                <td className="wrap">
                  <SensorState sensor={sensor} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Scroll>
  );
}

/** What an entry of the log says beside its words: data of the event, of whatever shape. */
const dataText = (event: HostEvent, key: string): string | null => {
  const value = (event.data as Record<string, unknown> | null)?.[key];
  return typeof value === "string" || typeof value === "number" ? String(value) : null;
};

function EventLog({ host }: { host: string }) {
  const { data, error, refetch } = useQuery(bmcLogQuery(host));
  if (error !== null && data === undefined)
    return <ErrorNote what="Its event log could not be read" error={error} retry={() => void refetch()} />;
  if (data === undefined) return null;
  if (data.events.length === 0)
    return <Empty title="Nothing was added to its event log since it is watched." />;
  return (
    <Scroll label="Event log">
      <table className="table">
        <caption className="sr-only">Event log</caption>
        <thead>
          <tr>
            <th scope="col">Logged</th>
            <th scope="col">Severity</th>
            <th scope="col">Sensor</th>
            <th scope="col">What</th>
          </tr>
        </thead>
        <tbody>
          {data.events.map((event) => {
            const logged = parseTime(dataText(event, "logged_at")) ?? parseTime(event.at) ?? 0;
            return (
              <tr key={event.id}>
                <td className="nowrap">{exact(logged)}</td>
                <td>
                  <State of={severity(event.severity)} />
                </td>
                <td>{dataText(event, "sensor") ?? "–"}</td>
                <td className="wrap">{dataText(event, "text") ?? event.message}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Scroll>
  );
}

export function Bmcs({ bmcs }: { bmcs: readonly Bmc[] }) {
  return bmcs.map((bmc) => (
    <div key={bmc.id} className="device">
      <div className="device-name">
        <h3>{[bmc.manufacturer, bmc.product].filter(Boolean).join(" ") || "BMC"}</h3>
        <Words state={bmc.state} words={bmc.unreadable === null ? bmc.state : "cannot be read"} />
      </div>
      <Findings findings={bmc.findings} />
      {bmc.unreadable !== null && <p className="panel-quote">{bmc.unreadable}</p>}
      <Facts rows={facts(bmc)} />
      <Sensors host={bmc.host} sensors={bmc.sensors} />
      <h3>Event log</h3>
      <EventLog host={bmc.host} />
    </div>
  ));
}
