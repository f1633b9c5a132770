/**
 * What of every page stands in its URL: the time range, the open row, the
 * lines shown alone. Going somewhere is a new entry of the history (Back
 * undoes it); changing how the same is shown replaces the entry.
 */
import { useCanGoBack, useNavigate, useRouter, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { parseLines, readLines, writeLines } from "../format/lines";
import {
  DEFAULT_RANGE,
  parseRange,
  type Range,
  type RangeName,
  type RangeSearch,
  SHORTEST_RANGE_MS,
  toRange,
} from "../format/range";

declare module "@tanstack/react-router" {
  interface HistoryState {
    /** The entry was made by opening a row: the one before it is the same page without. */
    opened?: boolean;
    /** Whose scroll position this entry shares. */
    scrollKey?: string;
  }
}

export interface ViewSearch extends RangeSearch {
  /** The row whose panel is open. */
  row?: string;
  /** Which lines of which charts are shown alone. */
  lines?: string;
}

/** Text of the URL; the router reads what looks like a number as one. */
export function searchText(value: unknown): string | undefined {
  const words = typeof value === "string" || typeof value === "number" ? String(value) : "";
  return words === "" ? undefined : words;
}

export function parseView(search: Record<string, unknown>): ViewSearch {
  return { ...parseRange(search), row: searchText(search.row), lines: parseLines(search.lines) };
}

type Change = (next: Partial<ViewSearch>) => void;

/** Changes what is shown: as a new entry of the history, or in place of this one. */
function useChange(replace: boolean): Change {
  const navigate = useNavigate();
  return useCallback(
    (next) =>
      void navigate({
        to: ".",
        search: (before: ViewSearch) => ({ ...before, ...next }),
        replace,
        state: replace ? true : undefined,
        resetScroll: false,
      }),
    [navigate, replace],
  );
}

export interface RangeView {
  range: Range;
  /** The relative range that is chosen, or was before it was stopped. */
  name: RangeName;
  choose: (name: RangeName) => void;
  /** Shows an absolute range, Unix ms. */
  show: (from: number, to: number) => void;
  /** Back to the relative, live range. */
  reset: () => void;
}

/** The page's time range; `usual` is what it shows when the URL names none. */
export function useRange(usual: RangeName = DEFAULT_RANGE): RangeView {
  const { range: named, from, to }: ViewSearch = useSearch({ strict: false });
  const change = useChange(false);
  return useMemo(
    () => ({
      range: toRange({ range: named, from, to }, usual),
      name: named ?? usual,
      choose: (range) => change({ range, from: undefined, to: undefined }),
      show: (start, end) => {
        const middle = (start + end) / 2;
        const half = Math.max(end - start, SHORTEST_RANGE_MS) / 2;
        change({ from: Math.round(middle - half), to: Math.round(middle + half) });
      },
      reset: () => change({ from: undefined, to: undefined }),
    }),
    [named, from, to, usual, change],
  );
}

/** The lines shown alone: by chart, the names of its lines. */
export function useLines() {
  const { lines }: ViewSearch = useSearch({ strict: false });
  const change = useChange(true);
  return useMemo(() => {
    const alone = readLines(lines);
    return {
      alone,
      isolate: (chart: string, names: readonly string[]) =>
        change({ lines: writeLines({ ...alone, [chart]: names }) }),
    };
  }, [lines, change]);
}

/** The open row, and how to go to the next one and to close. */
export function useOpenRow() {
  const { row }: ViewSearch = useSearch({ strict: false });
  const change = useChange(true);
  const router = useRouter();
  const canGoBack = useCanGoBack();
  return useMemo(
    () => ({
      row: row ?? null,
      show: (next: string) => change({ row: next }),
      close: () => {
        if (canGoBack && router.state.location.state.opened === true) router.history.back();
        else change({ row: undefined });
      },
    }),
    [row, change, router, canGoBack],
  );
}
