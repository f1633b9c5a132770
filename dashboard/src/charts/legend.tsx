/** The legend: a table of now, least, average, greatest; a click isolates a line. */
import { type Ref, useImperativeHandle, useRef } from "react";
import { clock, clockSeconds } from "../format/time";
import type { ChartData } from "./model";
import { type ChartSpec, statistics, write } from "./spec";

export interface LegendHandle {
  /** Shows the values of a bucket instead of the latest; null goes back. */
  point: (index: number | null) => void;
}

interface LegendProps {
  spec: ChartSpec;
  data: ChartData;
  isolated: readonly string[];
  isolate: (names: readonly string[]) => void;
  ref: Ref<LegendHandle>;
}

/** One more click on the only one shows all again; with Ctrl or Shift it adds or removes. */
function chosen(isolated: readonly string[], name: string, add: boolean): readonly string[] {
  if (add) return isolated.includes(name) ? isolated.filter((each) => each !== name) : [...isolated, name];
  return isolated.length === 1 && isolated[0] === name ? [] : [name];
}

export function Legend({ spec, data, isolated, isolate, ref }: LegendProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  const head = useRef<HTMLTableCellElement>(null);
  const latest = data.live ? "now" : "last";

  // The crosshair moves too often to render for: the cells are written directly.
  useImperativeHandle(ref, () => ({
    point: (index) => {
      const at = index === null ? undefined : data.times[index];
      if (head.current !== null) {
        head.current.textContent = at === undefined ? latest : data.step < 60 ? clockSeconds(at) : clock(at);
      }
      body.current?.querySelectorAll<HTMLElement>("[data-now]").forEach((cell, row) => {
        const series = data.series[row];
        if (series === undefined) return;
        const value = index === null ? statistics(series).now : (series.avg[index] ?? null);
        cell.textContent = write(spec.unit, value);
      });
    },
  }));

  return (
    <table className="legend">
      <thead>
        <tr>
          <th scope="col">
            <span className="sr-only">{spec.title}</span>
          </th>
          <th scope="col" ref={head}>
            {latest}
          </th>
          <th scope="col">min</th>
          <th scope="col">avg</th>
          <th scope="col">max</th>
        </tr>
      </thead>
      <tbody ref={body}>
        {data.series.map((series) => {
          const { now, min, avg, max } = statistics(series);
          const shown = isolated.length === 0 || isolated.includes(series.name);
          return (
            <tr key={series.name} data-hidden={shown ? undefined : ""}>
              <th scope="row">
                <button
                  type="button"
                  className="legend-name"
                  aria-pressed={isolated.includes(series.name)}
                  title={`Show ${series.name} alone`}
                  onClick={(event) =>
                    isolate(chosen(isolated, series.name, event.ctrlKey || event.metaKey || event.shiftKey))
                  }
                >
                  <i
                    className="swatch"
                    style={{ "--swatch": `var(--data-${(series.color % 8) + 1})` } as React.CSSProperties}
                  />
                  {series.name}
                </button>
              </th>
              <td data-now="">{write(spec.unit, now)}</td>
              <td>{write(spec.unit, min)}</td>
              <td>{write(spec.unit, avg)}</td>
              <td>{write(spec.unit, max)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
