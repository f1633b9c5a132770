/** A chart with its title, notes, legend and menu. */
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useThemeName } from "../ui/theme";
import { ErrorNote } from "../ui/views";
import { ChartMenu } from "./chart_menu";
import { Legend, type LegendHandle } from "./legend";
import { type ChartData, ChartModel } from "./model";
import { notes } from "./notes";
import { useChartPage } from "./page";
import { Plot } from "./plot";
import { type ChartSpec, type PlotSeries, statistics, write } from "./spec";

/** Charts this far below the window are fetched already. */
const AHEAD = "600px 0px";
const NONE: readonly string[] = [];

/** True from the first time that the element comes near the window. */
function useNear(element: React.RefObject<HTMLElement | null>): boolean {
  const [near, setNear] = useState(false);
  useEffect(() => {
    if (near || element.current === null) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) setNear(true);
      },
      { rootMargin: AHEAD },
    );
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [near, element]);
  return near;
}

/** The chart's data model, fetching once the chart is near. */
function useModel(spec: ChartSpec, near: boolean) {
  const { range, stream } = useChartPage();
  const [model] = useState(() => new ChartModel(spec));
  useEffect(() => model.describe(spec), [model, spec]);
  useEffect(() => {
    if (!near) return;
    model.show(range);
    return () => model.stop();
  }, [model, near, range]);
  useEffect(() => model.attach(stream), [model, stream]);
  return { model, snapshot: useSyncExternalStore(model.subscribe, model.read) };
}

/** A sentence for those who cannot see the drawing. */
function summary(spec: ChartSpec, data: ChartData | null): string {
  if (data === null) return `${spec.title}: loading`;
  if (data.series.length === 0) return `${spec.title}: ${spec.empty}`;
  const parts = data.series.slice(0, 8).map((series) => {
    const { now, max } = statistics(series);
    return `${series.name} now ${write(spec.unit, now)}, at most ${write(spec.unit, max)}`;
  });
  return `${spec.title}: ${parts.join("; ")}`;
}

/** The drawing: made once there is data, drawn again with each change. */
function usePlot(
  spec: ChartSpec,
  data: ChartData | null,
  visible: readonly PlotSeries[],
  point: (index: number | null) => void,
) {
  const page = useChartPage();
  const surface = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const theme = useThemeName();
  const actions = useRef({ page, point });
  actions.current = { page, point };
  const hasData = data !== null && data.series.length > 0;
  // A changed description is taken by `draw`; only the presence of data makes a plot.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    if (surface.current === null || !hasData) return;
    const made = new Plot(surface.current, spec, {
      zoom: (from, to) => actions.current.page.zoom(from, to),
      reset: () => actions.current.page.reset(),
      cursor: (index) => actions.current.point(index),
    });
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = null;
    };
  }, [hasData]);
  useEffect(() => {
    if (data !== null && hasData) plot.current?.draw(spec, { data, visible, marks: page.marks });
  }, [data, hasData, visible, spec, page.marks]);
  useEffect(() => {
    // The canvas knows no custom properties: it is drawn anew in the theme's colours.
    plot.current?.recolor(theme);
  }, [theme]);

  return { surface, plot };
}

export function Chart({ spec }: { spec: ChartSpec }) {
  const page = useChartPage();
  const root = useRef<HTMLElement>(null);
  const legend = useRef<LegendHandle>(null);
  const isolated = page.alone[spec.id] ?? NONE;
  const { model, snapshot } = useModel(spec, useNear(root));
  const { data, loading, error } = snapshot;

  const visible = useMemo(() => {
    const series = data?.series ?? [];
    const chosen = series.filter((each) => isolated.includes(each.name));
    return chosen.length > 0 ? chosen : series;
  }, [data, isolated]);

  const hasData = data !== null && data.series.length > 0;
  const { surface, plot } = usePlot(spec, data, visible, (index) => legend.current?.point(index));

  return (
    <figure
      ref={root}
      id={spec.id}
      className="chart"
      data-loading={loading && data !== null ? "" : undefined}
    >
      <figcaption className="chart-head">
        <h3 className="chart-title">{spec.title}</h3>
        {data !== null &&
          notes(spec, data, Date.now()).map((note) => (
            <span key={note.words} className="chart-note" title={note.detail}>
              {note.words}
            </span>
          ))}
        {hasData && <ChartMenu spec={spec} data={data} canvas={() => plot.current?.canvas() ?? null} />}
      </figcaption>
      {error !== null && (
        <ErrorNote what={`“${spec.title}” could not be read`} error={error} retry={model.retry} />
      )}
      {error === null && data === null && <div className="chart-plot skeleton" aria-hidden="true" />}
      {error === null && data !== null && !hasData && <p className="chart-plot chart-empty">{spec.empty}</p>}
      {hasData && (
        <div
          ref={surface}
          className="chart-plot"
          role="img"
          aria-label={summary(spec, data)}
          hidden={error !== null}
        />
      )}
      {hasData && (
        <Legend
          ref={legend}
          spec={spec}
          data={data}
          isolated={isolated}
          isolate={(names) => page.isolate(spec.id, names)}
        />
      )}
    </figure>
  );
}
