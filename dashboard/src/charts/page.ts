/** What all charts of a page share: the range, the live stream, the marks, and what a zoom does. */
import { createContext, useContext } from "react";
import type { LiveStream } from "../api/live";
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
}

export const ChartPageContext = createContext<ChartPage | null>(null);

export function useChartPage(): ChartPage {
  const page = useContext(ChartPageContext);
  if (page === null) throw new Error("a chart needs a ChartPageContext around it");
  return page;
}
