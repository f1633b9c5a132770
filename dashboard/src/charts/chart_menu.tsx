/** Takes a chart's data or picture elsewhere. */
import { useState } from "react";
import { selector } from "../api/selector";
import { Menu, MenuItem } from "../ui/menu";
import { csv } from "./layers";
import type { ChartData } from "./model";
import type { ChartSpec } from "./spec";

function download(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The drawing on the page's background, with its title, as PNG. */
function picture(canvas: HTMLCanvasElement, title: string): Promise<Blob | null> {
  const head = 28 * devicePixelRatio;
  const copy = document.createElement("canvas");
  copy.width = canvas.width;
  copy.height = canvas.height + head;
  const context = copy.getContext("2d");
  if (context === null) return Promise.resolve(null);
  const style = getComputedStyle(document.documentElement);
  context.fillStyle = style.getPropertyValue("--surface");
  context.fillRect(0, 0, copy.width, copy.height);
  context.drawImage(canvas, 0, head);
  context.fillStyle = style.getPropertyValue("--text");
  context.font = `600 ${13 * devicePixelRatio}px ${getComputedStyle(document.body).fontFamily}`;
  context.fillText(title, 8 * devicePixelRatio, 19 * devicePixelRatio);
  return new Promise((resolve) => copy.toBlob(resolve, "image/png"));
}

/** The PromQL that yields the chart's data in other tools. */
export function promql(spec: ChartSpec, step: number): string {
  return spec.selections
    .map((selection) => {
      const text =
        spec.mode === "rate" ? `rate(${selector(selection)}[${Math.max(step, 60)}s])` : selector(selection);
      return spec.sumBy === undefined ? text : `sum by (${spec.sumBy.join(", ")}) (${text})`;
    })
    .join("\n");
}

export function ChartMenu({
  spec,
  data,
  canvas,
}: {
  spec: ChartSpec;
  data: ChartData;
  canvas: () => HTMLCanvasElement | null;
}) {
  const [said, setSaid] = useState("");
  const say = (words: string) => {
    setSaid(words);
    setTimeout(() => setSaid(""), 2_000);
  };
  // Where the clipboard is closed (no HTTPS, no permission) a file is the next best.
  const copy = async (content: string, name: string) => {
    try {
      await navigator.clipboard.writeText(content);
      say("copied");
    } catch {
      download(name, new Blob([content], { type: "text/plain" }));
      say("saved");
    }
  };
  const copyPicture = async () => {
    const drawn = canvas();
    const image = drawn === null ? null : await picture(drawn, spec.title);
    if (image === null) return say("no picture could be made");
    try {
      await navigator.clipboard.write([new ClipboardItem({ "image/png": image })]);
      say("copied");
    } catch {
      download(`${spec.id}.png`, image);
      say("saved");
    }
  };
  return (
    <div className="chart-menu">
      <span role="status" className="chart-note">
        {said}
      </span>
      <Menu label={`Copy “${spec.title}”`} icon="more">
        <MenuItem onSelect={() => void copy(csv(data.times, data.series), `${spec.id}.csv`)}>
          Copy as CSV
        </MenuItem>
        <MenuItem onSelect={() => void copyPicture()}>Copy as PNG</MenuItem>
        <MenuItem onSelect={() => void copy(promql(spec, data.step), `${spec.id}.promql`)}>
          Copy as PromQL
        </MenuItem>
      </Menu>
    </div>
  );
}
