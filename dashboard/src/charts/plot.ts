/**
 * The one place that knows uPlot: draws lines, layers, bands, gaps and marks;
 * shares its crosshair with the page; reports zoom, pan and the cursor.
 */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { increments, timeAxisHeight, timeLabels, valueLabels } from "./axes";
import { bridge, type Column, extent, longestBridge, negate, stack } from "./layers";
import type { Mark } from "./marks";
import type { ChartData } from "./model";
import type { ChartSpec, PlotSeries } from "./spec";
import { Tooltip } from "./tooltip";

/** What happens on the plot. */
export interface PlotEvents {
  /** A range was dragged or panned to: Unix ms. */
  zoom: (from: number, to: number) => void;
  reset: () => void;
  /** The bucket under the crosshair of any chart of the page, or null. */
  cursor: (index: number | null) => void;
}

export interface PlotInput {
  data: ChartData;
  /** The series that are not hidden, in drawing order. */
  visible: readonly PlotSeries[];
  marks: readonly Mark[];
}

/** More lines than this, and bands around them would hide each other. */
const MOST_BANDS = 4;
const AXIS_WIDTH = 76;
const SHORTEST_DRAG_PX = 6;

export class Plot {
  private plot: uPlot | null = null;
  private input: PlotInput | null = null;
  /** What the present uPlot instance was made for; another layout needs another instance. */
  private layout = "";
  private theme = document.documentElement.dataset.theme ?? "";
  private readonly tooltip: Tooltip;
  private readonly observer: ResizeObserver;

  constructor(
    private readonly element: HTMLElement,
    private spec: ChartSpec,
    private readonly events: PlotEvents,
  ) {
    this.tooltip = new Tooltip();
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(element);
  }

  /** Draws; keeps the instance unless the set of series changed. */
  draw(spec: ChartSpec, input: PlotInput): void {
    this.spec = spec;
    this.input = input;
    const banded = this.banded();
    const layout = JSON.stringify([
      spec.unit,
      spec.stacked,
      banded,
      input.visible.map((series) => [series.name, series.color, series.below]),
    ]);
    if (this.plot === null || layout !== this.layout) {
      this.layout = layout;
      this.rebuild();
      return;
    }
    this.plot.batch(() => {
      this.plot?.setData(this.columns(), false);
      this.scale();
    });
  }

  /** Draws in another theme's colours. */
  recolor(theme: string): void {
    if (theme === this.theme) return;
    this.theme = theme;
    this.rebuild();
  }

  private rebuild(): void {
    if (this.input === null) return;
    this.plot?.destroy();
    const options = this.options();
    this.plot = new uPlot(options, this.columns(), this.element);
    this.plot.over.append(this.tooltip.element);
    this.plot.over.addEventListener("mousedown", this.pan, true);
    this.scale();
  }

  destroy(): void {
    this.observer.disconnect();
    this.plot?.destroy();
    this.plot = null;
  }

  /** The drawing as it stands. */
  canvas(): HTMLCanvasElement | null {
    return this.plot?.ctx.canvas ?? null;
  }

  private banded(): boolean {
    const { visible, data } = this.input ?? { visible: [], data: null };
    if (data === null || this.spec.stacked === true || visible.length > MOST_BANDS) return false;
    return data.step > this.spec.interval;
  }

  private scale(): void {
    const { plot, input } = this;
    if (plot === null || input === null) return;
    plot.setScale("x", { min: input.data.from, max: input.data.to });
    const [min, max] = extent(plot.data.slice(1) as Column[], this.spec.top, this.spec.leastTop);
    plot.setScale("y", { min, max });
  }

  private columns(): uPlot.AlignedData {
    const { data, visible } = this.input as PlotInput;
    const longest = longestBridge(this.spec.interval, data.step);
    const column = (series: PlotSeries, values: PlotSeries["avg"]): Column => {
      const bridged = bridge(values, longest);
      return series.below === true ? negate(bridged) : bridged;
    };
    const lines = visible.map((series) => column(series, series.avg));
    if (this.spec.stacked === true) return [data.times, ...stack(lines).reverse()] as uPlot.AlignedData;
    if (!this.banded()) return [data.times, ...lines] as uPlot.AlignedData;
    const banded = visible.flatMap((series, index) => [
      column(series, series.max ?? series.avg),
      column(series, series.min ?? series.avg),
      lines[index],
    ]);
    return [data.times, ...banded] as uPlot.AlignedData;
  }

  private options(): uPlot.Options {
    const style = getComputedStyle(this.element);
    const token = (name: string) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: token("--muted"),
      font: `11px ${style.fontFamily}`,
      grid: { stroke: token("--hairline"), width: 1 },
      ticks: { show: false },
    };
    return {
      ms: 1,
      width: Math.max(this.element.clientWidth, 120),
      height: this.element.clientHeight,
      // At the right half a time label fits.
      padding: [8, 16, 0, 0],
      legend: { show: false },
      cursor: this.cursor(),
      scales: { x: { time: true }, y: { auto: false } },
      axes: [
        { ...axis, values: timeLabels, size: timeAxisHeight, space: 72, gap: 6 },
        {
          ...axis,
          values: valueLabels(this.spec.unit),
          incrs: increments(this.spec.unit),
          size: AXIS_WIDTH,
          space: 30,
          gap: 6,
        },
      ],
      ...this.lines(token),
      hooks: {
        drawClear: [(plot) => this.drawMarks(plot, token)],
        setSelect: [(plot) => this.selected(plot)],
        setCursor: [(plot) => this.moved(plot)],
      },
    };
  }

  private cursor(): uPlot.Cursor {
    return {
      y: false,
      points: { size: 6, width: 1.5 },
      drag: { x: true, y: false, setScale: false, dist: SHORTEST_DRAG_PX },
      focus: { prox: -1 },
      sync: {
        key: "page",
        scales: ["x", null],
        // Only the crosshair is shared: a drag selects on its own chart.
        filters: { pub: (type) => type === "mousemove" || type === "mouseleave", sub: () => true },
      },
      bind: {
        dblclick: () => () => {
          this.events.reset();
          return null;
        },
      },
    };
  }

  /** Series and bands in uPlot's terms, matching `columns`. */
  private lines(token: (name: string) => string): Pick<uPlot.Options, "series" | "bands"> {
    const { visible } = this.input as PlotInput;
    const color = (series: PlotSeries) => token(`--data-${(series.color % 8) + 1}`);
    const faint = (series: PlotSeries, share: string) =>
      `color-mix(in srgb, ${color(series)} ${share}, transparent)`;
    const line = (series: PlotSeries): uPlot.Series => ({
      label: series.name,
      stroke: color(series),
      width: 1.5,
      dash: series.color >= 8 ? [4, 3] : undefined,
      points: { show: false },
    });
    if (this.spec.stacked === true) {
      const reversed = [...visible].reverse();
      return {
        series: [
          {},
          ...reversed.map((series) => ({ ...line(series), width: 1, fill: faint(series, "55%") })),
        ],
        bands: reversed.slice(1).map((_, index) => ({ series: [index + 1, index + 2] as [number, number] })),
      };
    }
    if (!this.banded()) {
      const alone = visible.length === 1 ? visible[0] : undefined;
      return {
        series: [
          {},
          ...visible.map((series) => ({ ...line(series), fill: alone ? faint(series, "12%") : undefined })),
        ],
      };
    }
    const edge: uPlot.Series = { stroke: "transparent", width: 0, points: { show: false } };
    return {
      series: [{}, ...visible.flatMap((series) => [edge, edge, line(series)])],
      bands: visible.map((series, index) => ({
        series: (series.below === true ? [3 * index + 2, 3 * index + 1] : [3 * index + 1, 3 * index + 2]) as [
          number,
          number,
        ],
        fill: faint(series, "22%"),
      })),
    };
  }

  private drawMarks(plot: uPlot, token: (name: string) => string): void {
    const { ctx, bbox } = plot;
    const scale = devicePixelRatio;
    ctx.save();
    for (const mark of this.input?.marks ?? []) {
      const x = Math.round(plot.valToPos(mark.at, "x", true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.strokeStyle = ctx.fillStyle = token(`--${mark.severity}`);
      ctx.lineWidth = scale;
      ctx.setLineDash([3 * scale, 3 * scale]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.setLineDash([]);
      ctx.beginPath();
      ctx.moveTo(x - 4 * scale, bbox.top - 5 * scale);
      ctx.lineTo(x + 4 * scale, bbox.top - 5 * scale);
      ctx.lineTo(x, bbox.top + scale);
      ctx.fill();
    }
    ctx.restore();
  }

  private selected(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < SHORTEST_DRAG_PX) return;
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.events.zoom(Math.round(plot.posToVal(left, "x")), Math.round(plot.posToVal(left + width, "x")));
  }

  private moved(plot: uPlot): void {
    const index = plot.cursor.idx ?? null;
    const outside = (plot.cursor.left ?? -1) < 0;
    this.events.cursor(outside ? null : index);
    const input = this.input;
    if (outside || index === null || input === null || !plot.over.matches(":hover")) {
      this.tooltip.hide();
      return;
    }
    this.tooltip.show(plot, this.spec.unit, input, index);
  }

  /** Shift-drag moves through time. */
  private readonly pan = (event: MouseEvent): void => {
    const { plot, input } = this;
    if (plot === null || input === null || !event.shiftKey || event.button !== 0) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    const { from, to } = input.data;
    const perPixel = (to - from) / plot.over.clientWidth;
    let by = 0;
    const move = (moved: MouseEvent) => {
      by = (event.clientX - moved.clientX) * perPixel;
      plot.setScale("x", { min: from + by, max: to + by });
    };
    const up = () => {
      document.removeEventListener("mousemove", move);
      if (by !== 0) this.events.zoom(Math.round(from + by), Math.round(to + by));
    };
    document.addEventListener("mousemove", move);
    document.addEventListener("mouseup", up, { once: true });
  };

  private fit(): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (this.plot === null || width === 0 || (this.plot.width === width && this.plot.height === height))
      return;
    this.plot.setSize({ width, height });
  }
}
