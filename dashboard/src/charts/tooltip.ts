/** The box beside the crosshair of the chart under the pointer. Text only, no markup. */
import type uPlot from "uplot";
import { clockSeconds, dayClock } from "../format/time";
import { nearest } from "./marks";
import type { PlotInput } from "./plot";
import { type Unit, write } from "./spec";

/** More lines than this are cut; the legend has them all. */
const MOST_LINES = 10;
const MARK_REACH_PX = 6;

function make(tag: string, name: string, text = ""): HTMLElement {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  return element;
}

export class Tooltip {
  readonly element = make("div", "chart-tooltip");

  constructor() {
    this.element.hidden = true;
    // The legend says the same to screen readers.
    this.element.setAttribute("aria-hidden", "true");
  }

  hide(): void {
    this.element.hidden = true;
  }

  show(plot: uPlot, unit: Unit, input: PlotInput, index: number): void {
    const { data, visible, marks } = input;
    const at = data.times[index];
    if (at === undefined) return;
    const lines = visible
      .map((series) => ({ series, value: series.avg[index] ?? null }))
      .filter(({ value }) => value !== null)
      .sort((left, right) => (right.value ?? 0) - (left.value ?? 0));
    const children = [make("div", "chart-tooltip-time", data.step < 60 ? clockSeconds(at) : dayClock(at))];
    for (const { series, value } of lines.slice(0, MOST_LINES)) {
      const row = make("div", "chart-tooltip-row");
      const swatch = make("i", "swatch");
      swatch.style.setProperty("--swatch", `var(--data-${(series.color % 8) + 1})`);
      row.append(swatch, make("span", "chart-tooltip-name", series.name), make("b", "", write(unit, value)));
      children.push(row);
    }
    if (lines.length === 0) children.push(make("div", "chart-tooltip-time", "no readings"));
    if (lines.length > MOST_LINES) {
      children.push(make("div", "chart-tooltip-time", `and ${lines.length - MOST_LINES} more`));
    }
    const left = plot.cursor.left ?? 0;
    const perPixel = (data.to - data.from) / plot.over.clientWidth;
    const mark = nearest(marks, plot.posToVal(left, "x"), MARK_REACH_PX * perPixel);
    if (mark !== null) children.push(make("div", `chart-tooltip-mark ${mark.severity}`, mark.words));
    this.element.replaceChildren(...children);
    this.element.hidden = false;
    const width = this.element.offsetWidth;
    const right = left + 12 + width <= plot.over.clientWidth;
    this.element.style.transform = `translate(${right ? left + 12 : Math.max(0, left - 12 - width)}px, 4px)`;
  }
}
