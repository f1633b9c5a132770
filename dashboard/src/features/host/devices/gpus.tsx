/** The graphics processors of a host. */
import { Link } from "@tanstack/react-router";
import type { Gpu, GpuProcess } from "../../../api/types";
import { Chart } from "../../../charts/chart";
import type { ChartSpec } from "../../../charts/spec";
import * as number from "../../../format/number";
import { Findings, Words } from "../../../ui/condition";
import { type FactRow, Facts } from "../../../ui/facts";
import { Bar, Quantity } from "../../../ui/figures";
import { BUSY_LIMITS, MEMORY_LIMITS } from "../../../ui/limits";
import { Scroll } from "../../../ui/scroll";
import { linkWords, throttleWords } from "./words";

const barred = (ratio: number | null, limits: typeof BUSY_LIMITS, words?: string) => (
  <span className="inline-bar">
    <Bar ratio={ratio} limits={limits} />
    <Quantity of={number.percent(ratio)} />
    {words !== undefined && <span className="muted">{words}</span>}
  </span>
);

const ofAll = (value: number.Quantity, all: number.Quantity | null) => (
  <span>
    <Quantity of={value} />
    {all !== null && <span className="muted"> of {number.text(all)}</span>}
  </span>
);

export function gpuFacts(gpu: Gpu): FactRow[] {
  const {
    memory_total_bytes: memory,
    power_limit_watts: limit,
    clock_max_hertz: fastest,
    fan_ratio: fan,
    fan_rpm: turns,
  } = gpu;
  const throttled = throttleWords(gpu);
  const rows: (FactRow | null)[] = [
    ["Busy", barred(gpu.busy_ratio, BUSY_LIMITS)],
    ["Memory", barred(gpu.memory_used_ratio, MEMORY_LIMITS, number.text(number.bytes(memory)))],
    ["Temperature", <Quantity key="temperature" of={number.celsius(gpu.temperature_celsius)} />],
    [
      "Power",
      <span key="power">
        {ofAll(number.plain(gpu.power_watts, "W"), limit === null ? null : number.plain(limit, "W"))}
      </span>,
    ],
    [
      "Clock",
      <span key="clock">
        {ofAll(number.hertz(gpu.clock_hertz), fastest === null ? null : number.hertz(fastest))}
      </span>,
    ],
    [
      "Slowed down by",
      throttled.length === 0 ? (
        "nothing"
      ) : (
        <span key="slow" className="state-warning">
          {throttled.join(", ")}
        </span>
      ),
    ],
    fan === null && turns === null
      ? null
      : [
          "Fan",
          <Quantity key="fan" of={fan === null ? number.measured(turns, "rpm") : number.percent(fan)} />,
        ],
    gpu.encoder_ratio === null
      ? null
      : ["Encoder", <Quantity key="encoder" of={number.percent(gpu.encoder_ratio)} />],
    gpu.decoder_ratio === null
      ? null
      : ["Decoder", <Quantity key="decoder" of={number.percent(gpu.decoder_ratio)} />],
    gpu.ecc_uncorrected_errors === null
      ? null
      : ["Memory errors", <Quantity key="ecc" of={number.count(gpu.ecc_uncorrected_errors)} />],
    gpu.performance_state === null ? null : ["Performance state", `P${gpu.performance_state}`],
    linkWords(gpu) === null ? null : ["Link", linkWords(gpu)],
    gpu.driver_version === null ? null : ["Driver", gpu.driver_version],
    gpu.pci_address === null ? null : ["Address", gpu.pci_address],
  ];
  return rows.filter((row) => row !== null);
}

function Processes({ host, processes }: { host: string; processes: readonly GpuProcess[] }) {
  if (processes.length === 0) return <p className="muted">No program uses it.</p>;
  return (
    <Scroll label="Programs that use it">
      <table className="table">
        <caption className="sr-only">Programs that use it</caption>
        <thead>
          <tr>
            <th scope="col">Program</th>
            <th scope="col">Container</th>
            <th scope="col" className="numeric">
              Memory
            </th>
          </tr>
        </thead>
        <tbody>
          {processes.map((each, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: several may have one name
            <tr key={`${index} ${each.process}`}>
              <th scope="row" className="wrap">
                {each.process}
              </th>
              <td>
                {each.container === null ? (
                  <span className="muted">–</span>
                ) : (
                  <Link to="/containers/$host/$name" params={{ host, name: each.container }}>
                    {each.container}
                  </Link>
                )}
              </td>
              <td className="numeric">
                <Quantity of={number.bytes(each.memory_bytes)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

export function Gpus({
  gpus,
  charts,
}: {
  gpus: readonly Gpu[];
  charts: ReadonlyMap<string, readonly ChartSpec[]>;
}) {
  return gpus.map((gpu) => (
    <div key={gpu.id} className="device">
      <div className="device-name">
        <h3>{gpu.name ?? gpu.key}</h3>
        <Words state={gpu.state} words={gpu.unreadable === null ? gpu.state : "cannot be read"} />
      </div>
      <Findings findings={gpu.findings} />
      {gpu.unreadable !== null && <p className="panel-quote">{gpu.unreadable}</p>}
      {gpu.last_read !== null && <Facts rows={gpuFacts(gpu)} />}
      <div className="chart-grid">
        {charts.get(gpu.id)?.map((spec) => (
          <Chart key={spec.id} spec={spec} />
        ))}
      </div>
      {gpu.last_read !== null && <Processes host={gpu.host} processes={gpu.processes} />}
    </div>
  ));
}
