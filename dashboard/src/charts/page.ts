/** What all charts of a page share: the range, the live stream, the marks, and what a zoom does. */
import { createContext, useContext } from "react";
import type { LiveStream } from "../api/live";
import type { Lines } from "../format/lines";
import type { Range } from "../format/range";
import type { Mark } from "./marks";

export interface ChartPage {
  range: Range;
  stream: LiveStream | null;
  marks: readonly Mark[];
  /** Shows an absolute range, Unix ms. */
  zoom: (from: number, to: number) => void;
  /** Back to the relative, live range. */
  reset: () => void;
  /** The lines shown alone, by chart. */
  alone: Lines;
  /** Shows these lines of a chart alone; none: all of them. */
  isolate: (chart: string, names: readonly string[]) => void;
}

export const ChartPageContext = createContext<ChartPage | null>(null);

export function useChartPage(): ChartPage {
  const page = useContext(ChartPageContext);
  if (page === null) throw new Error("a chart needs a ChartPageContext around it");
  return page;
}
