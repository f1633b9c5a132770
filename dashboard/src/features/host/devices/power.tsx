/** The power that a host takes, its energy, and what that costs. */
import type { HostPower, PowerSource } from "../../../api/types";
import { Chart } from "../../../charts/chart";
import type { ChartSpec } from "../../../charts/spec";
import * as number from "../../../format/number";
import { duration } from "../../../format/time";
import { type FactRow, Facts } from "../../../ui/facts";
import { Quantity } from "../../../ui/figures";
import { Scroll } from "../../../ui/scroll";
import type { Price } from "./use_devices";
import { BASIS, KIND } from "./words";

const watts = (value: number | null) => <Quantity of={number.plain(value, "W")} />;
const kwh = (value: number | null) => <Quantity of={number.plain(value, "kWh")} />;

function rows(power: HostPower, price: Price): FactRow[] {
  const whole = power.window_seconds === null || power.window_seconds > 86_000;
  const window = whole ? "24 h" : duration(power.window_seconds);
  return [
    ["Now", watts(power.watts)],
    [`Average of ${window}`, watts(power.average_watts)],
    [`Energy of ${window}`, kwh(power.energy_kwh)],
    ["A month like this", kwh(power.projected_kwh_per_month)],
    ...(power.projected_cost_per_month === null
      ? []
      : [["Cost per month", number.money(power.projected_cost_per_month, price.currency)] as const]),
  ];
}

function Sources({ sources }: { sources: readonly PowerSource[] }) {
  return (
    <Scroll label="What measures power">
      <table className="table">
        <caption className="sr-only">What measures power</caption>
        <thead>
          <tr>
            <th scope="col">What measures</th>
            <th scope="col">Kind</th>
            <th scope="col" className="numeric">
              Now
            </th>
            <th scope="col" className="numeric">
              Average of 24 h
            </th>
            <th scope="col" className="numeric">
              Energy of 24 h
            </th>
            <th scope="col">In the figure</th>
          </tr>
        </thead>
        <tbody>
          {sources.map((source) => (
            <tr key={`${source.kind} ${source.name} ${source.metric}`}>
              <th scope="row">{source.name}</th>
              <td className="muted">{KIND[source.kind]}</td>
              <td className="numeric">{watts(source.watts)}</td>
              <td className="numeric">{watts(source.average_watts)}</td>
              <td className="numeric">{kwh(source.energy_kwh)}</td>
              <td className={source.counted ? undefined : "muted"}>{source.counted ? "yes" : "no"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

export function Power({ power, price, chart }: { power: HostPower; price: Price; chart: ChartSpec | null }) {
  return (
    <div className="device">
      <Facts rows={rows(power, price)} />
      <p className="muted">
        {BASIS[power.basis]}{" "}
        {price.perKwh === null ? (
          <>
            With <code>energy.price_per_kwh</code> in the collector's configuration this says what it costs.
          </>
        ) : (
          `A kilowatt-hour costs ${number.money(price.perKwh, price.currency)}.`
        )}
      </p>
      {chart !== null && (
        <div className="chart-grid">
          <Chart spec={chart} />
        </div>
      )}
      {power.sources.length > 1 && <Sources sources={power.sources} />}
    </div>
  );
}
