// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { createRef } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../../src/api/client";
import { Legend, type LegendHandle } from "../../src/charts/legend";
import type { ChartData } from "../../src/charts/model";
import { notes } from "../../src/charts/notes";
import type { ChartSpec } from "../../src/charts/spec";
import { Bar, Sparkline, sparkPath } from "../../src/ui/figures";
import { FilterField } from "../../src/ui/filter";
import { moveInList } from "../../src/ui/table";
import { ErrorNote } from "../../src/ui/views";

afterEach(cleanup);

const spec: ChartSpec = {
  id: "c",
  title: "Busy",
  unit: "ratio",
  selections: [],
  mode: "value",
  interval: 10,
  shape: () => [],
  empty: "nothing",
};
const data: ChartData = {
  times: [0, 10_000, 20_000],
  series: [
    { name: "sda", color: 0, avg: [0.1, 0.2, 0.3], min: null, max: null },
    { name: "sdb", color: 1, avg: [0.5, null, null], min: null, max: [0.9, null, null] },
  ],
  from: 0,
  to: 30_000,
  step: 10,
  resolution: "raw",
  partial: false,
  newest: 30_000,
  live: true,
};
const row = (name: string) =>
  screen.getByRole("row", { name: new RegExp(`^${name}`) }).textContent?.replaceAll("\u2009", " ");

describe("the legend", () => {
  it("says now, least, average and greatest, and follows the crosshair", () => {
    const handle = createRef<LegendHandle>();
    render(<Legend ref={handle} spec={spec} data={data} isolated={[]} isolate={() => {}} />);
    expect(row("sda")).toBe("sda30.0 %10.0 %20.0 %30.0 %");
    expect(row("sdb")).toBe("sdb50.0 %50.0 %50.0 %90.0 %");
    handle.current?.point(1);
    expect(row("sda")).toContain("sda20.0 %");
    expect(row("sdb")).toContain("sdb–");
    handle.current?.point(null);
    expect(row("sda")).toContain("sda30.0 %");
  });

  it("isolates on click, adds with Ctrl, shows all again on a second click", () => {
    const isolate = vi.fn();
    const { rerender } = render(
      <Legend ref={null} spec={spec} data={data} isolated={[]} isolate={isolate} />,
    );
    fireEvent.click(screen.getByRole("button", { name: "sda" }));
    expect(isolate).toHaveBeenLastCalledWith(["sda"]);
    rerender(<Legend ref={null} spec={spec} data={data} isolated={["sda"]} isolate={isolate} />);
    fireEvent.click(screen.getByRole("button", { name: "sdb" }), { ctrlKey: true });
    expect(isolate).toHaveBeenLastCalledWith(["sda", "sdb"]);
    fireEvent.click(screen.getByRole("button", { name: "sda" }));
    expect(isolate).toHaveBeenLastCalledWith([]);
  });
});

describe("a chart's notes", () => {
  it("admit stale, partial and rolled up data", () => {
    const words = (change: Partial<ChartData>, now: number) =>
      notes(spec, { ...data, ...change }, now).map((note) => note.words.replaceAll("\u2009", " "));
    expect(words({}, 40_000)).toEqual([]);
    expect(words({}, 30_000 + 300_000)).toEqual(["stale · last reading 5 min ago"]);
    expect(words({ live: false }, 30_000 + 300_000)).toEqual([]);
    expect(words({ partial: true, resolution: "hour" }, 30_000)).toEqual(["partial", "from hourly rollups"]);
  });
});

describe("small figures", () => {
  it("break a sparkline where nothing is known", () => {
    expect(sparkPath([0, null, 1, 1], 1, 30, 11)).toBe("M0.0 10.5M20.0 0.5L30.0 0.5");
    render(<Sparkline values={[null, null]} label="nothing" />);
    expect(screen.getByRole("img", { name: "nothing" })).toBeTruthy();
  });

  it("colour a bar by its limits and never overflow", () => {
    const { container } = render(<Bar ratio={1.7} limits={{ warning: 0.8, critical: 0.95 }} />);
    expect(container.innerHTML).toContain("bar critical");
    expect(container.innerHTML).toContain("width: 100.0%");
  });
});

describe("an error", () => {
  it("says what failed, why, and tries again", () => {
    const retry = vi.fn();
    const problem = {
      type: "about:blank",
      title: "Too many",
      status: 422,
      detail: "5,001 series, limit 5,000",
    };
    render(
      <ErrorNote
        what="It failed"
        error={new ApiError(problem.detail, 422, "/api/x?y=1", problem)}
        retry={retry}
      />,
    );
    expect(screen.getByRole("alert").textContent).toContain("It failed: 5,001 series, limit 5,000.");
    expect(screen.getByText("/api/x?y=1")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(retry).toHaveBeenCalledOnce();
  });
});

describe("the keyboard", () => {
  it("empties the filter with Esc", () => {
    const change = vi.fn();
    render(<FilterField value="abc" onChange={change} label="Filter hosts" />);
    fireEvent.keyDown(screen.getByRole("searchbox"), { key: "Escape" });
    expect(change).toHaveBeenCalledWith("");
  });

  it("moves through rows with j and k and stops at the ends", () => {
    render(
      <ul onKeyDown={moveInList}>
        {["a", "b"].map((name) => (
          <li key={name}>
            <a href={`#${name}`} data-row-link="">
              {name}
            </a>
          </li>
        ))}
      </ul>,
    );
    const list = screen.getByRole("list");
    const press = (key: string) => fireEvent.keyDown(list, { key });
    const focused = () => document.activeElement?.textContent;
    press("j");
    expect(focused()).toBe("a");
    press("j");
    press("j");
    expect(focused()).toBe("b");
    press("k");
    expect(focused()).toBe("a");
  });
});
