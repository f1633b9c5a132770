/** The sensors of a host by chip, with their limits and how they went in the last hour. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo } from "react";
import { trendsQuery } from "../../../api/queries";
import type { Sensor, SensorChip } from "../../../api/types";
import { Chart } from "../../../charts/chart";
import * as number from "../../../format/number";
import { hasWords, sentence } from "../../../format/words";
import { Words } from "../../../ui/condition";
import { type FactRow, Facts } from "../../../ui/facts";
import { Ago, Quantity, Trend } from "../../../ui/figures";
import { FilterField } from "../../../ui/filter";
import { RowLink } from "../../../ui/row_link";
import { Scroll } from "../../../ui/scroll";
import { Gone, SidePanel } from "../../../ui/side_panel";
import { moveInList } from "../../../ui/table";
import { useOpenRow } from "../../../ui/view";
import { Empty } from "../../../ui/views";
import { ofSensor, trendsByKey } from "./charts";
import { limitWords, sensorRow, sensorWords, seriesKey, valueWords } from "./words";

const route = getRouteApi("/hosts/$host");
/** Fewer are read faster than filtered. */
const FILTERED_FROM = 13;

const hasTrend = ({ unit, value }: Sensor): boolean => value !== null && unit !== "joules" && unit !== "";

/** The last hour of every sensor, by its series. */
export function useTrends(host: string, sensors: readonly Sensor[]) {
  const metrics = [...new Set(sensors.filter(hasTrend).map(({ metric }) => metric))].sort();
  const { data } = useQuery(trendsQuery(host, metrics));
  return useMemo(() => trendsByKey(data?.series ?? []), [data]);
}

export function SensorState({ sensor }: { sensor: Sensor }) {
  const words = sensorWords(sensor);
  return sensor.state === "ok" && words === "ok" ? (
    <span className="muted">ok</span>
  ) : (
    <Words state={sensor.state} words={words} />
  );
}

function Row({
  chip,
  sensor,
  trend,
}: {
  chip: SensorChip;
  sensor: Sensor;
  trend: readonly (number | null)[] | undefined;
}) {
  return (
    <tr>
      <th scope="row">
        <RowLink row={sensorRow(chip, sensor)}>{sensor.label}</RowLink>
      </th>
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
}

/** The sensors that fit what was typed; chips without any are left out. */
export function wantedChips(chips: readonly SensorChip[], wanted: string): SensorChip[] {
  if (wanted === "") return [...chips];
  const fits = (chip: SensorChip, sensor: Sensor) =>
    hasWords(
      [chip.name, chip.device, chip.chip, sensor.label, sensor.sensor, sensor.type, sensorWords(sensor)].join(
        " ",
      ),
      wanted,
    );
  return chips
    .map((chip) => ({ ...chip, sensors: chip.sensors.filter((sensor) => fits(chip, sensor)) }))
    .filter(({ sensors }) => sensors.length > 0);
}

export function Sensors({ host, chips }: { host: string; chips: readonly SensorChip[] }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const all = useMemo(() => chips.flatMap(({ sensors }) => sensors), [chips]);
  const trends = useTrends(host, all);
  const wanted = search.filter_sensor ?? "";
  const shown = useMemo(() => wantedChips(chips, wanted), [chips, wanted]);
  const count = shown.reduce((sum, { sensors }) => sum + sensors.length, 0);
  return (
    <>
      {(all.length >= FILTERED_FROM || wanted !== "") && (
        <div className="list-tools">
          <FilterField
            value={wanted}
            onChange={(value) =>
              void navigate({
                search: (before) => ({ ...before, filter_sensor: value || undefined }),
                replace: true,
                state: true,
                resetScroll: false,
              })
            }
            label="Filter sensors"
          />
          {wanted !== "" && <span className="muted">{`${count} of ${all.length}`}</span>}
        </div>
      )}
      {count === 0 && <Empty title={`No sensor fits “${wanted}”.`} />}
      {count > 0 && (
        <Scroll label="Sensors">
          <table className="table rows sensors">
            <caption className="sr-only">Sensors</caption>
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
            {shown.map((chip) => (
              <tbody key={chip.id} data-list="" onKeyDown={moveInList}>
                <tr className="chip">
                  <th colSpan={5} scope="rowgroup">
                    {chip.name} <span className="sub">{chip.device ?? chip.chip}</span>
                  </th>
                </tr>
                {chip.sensors.map((sensor) => (
                  <Row
                    key={sensor.sensor}
                    chip={chip}
                    sensor={sensor}
                    trend={trends.get(seriesKey(sensor.metric, sensor.labels))}
                  />
                ))}
              </tbody>
            ))}
          </table>
        </Scroll>
      )}
    </>
  );
}

function facts(chip: SensorChip, sensor: Sensor): FactRow[] {
  const limit = (words: string, value: number | null): FactRow | null =>
    value === null ? null : [words, valueWords(sensor, value)];
  const rows: (FactRow | null)[] = [
    ["Now", <Quantity key="now" of={number.measured(sensor.value, sensor.unit)} />],
    ["State", <SensorState key="state" sensor={sensor} />],
    limit("Least usual", sensor.min),
    limit("Most usual", sensor.max),
    limit("Critical below", sensor.critical_min),
    limit("Critical above", sensor.critical_max),
    ...Object.entries(sensor.limits).map(([key, value]) => limit(sentence(key), value)),
    ["Chip", chip.name],
    chip.device === null ? null : ["Device", chip.device],
    ["Sensor", sensor.sensor],
    ["Read", sensor.at === null ? "never" : <Ago key="read" at={sensor.at} />],
  ];
  return rows.filter((row) => row !== null);
}

/** The sensor that is open, if one is. */
export function openSensor(
  chips: readonly SensorChip[],
  row: string | null,
): { chip: SensorChip; sensor: Sensor } | null {
  for (const chip of chips) {
    const sensor = chip.sensors.find((each) => sensorRow(chip, each) === row);
    if (sensor !== undefined) return { chip, sensor };
  }
  return null;
}

export function SensorPanel({ host, chips }: { host: string; chips: readonly SensorChip[] }) {
  const search = route.useSearch();
  const { row, show, close } = useOpenRow();
  const open = openSensor(chips, row);
  const sensor = open?.sensor;
  const chart = useMemo(() => (sensor === undefined ? null : ofSensor(host, sensor)), [host, sensor]);
  if (row === null || !row.startsWith("sensor:")) return null;
  const shown = wantedChips(chips, search.filter_sensor ?? "");
  return (
    <SidePanel
      row={row}
      kind={`Sensor of ${host}`}
      heading={open === null ? row : `${open.chip.name}: ${open.sensor.label}`}
      rows={shown.flatMap((chip) => chip.sensors.map((sensor) => sensorRow(chip, sensor)))}
      show={show}
      close={close}
    >
      <div key={row} className="panel-parts">
        {open === null || chart === null ? (
          <Gone what="This sensor" />
        ) : (
          <>
            <Facts rows={facts(open.chip, open.sensor)} />
            <Chart spec={chart} />
          </>
        )}
      </div>
    </SidePanel>
  );
}
