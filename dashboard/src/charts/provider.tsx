/** What a page's charts share, from its URL and one live stream. */
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { LiveStream } from "../api/live";
import { DEFAULT_RANGE, type RangeName } from "../format/range";
import { useLines, useRange } from "../ui/view";
import type { Mark } from "./marks";
import { type ChartPage, ChartPageContext } from "./page";

/** The host's live stream while `live`; a new one when it has to send other series. */
function useStream(host: string, match: readonly string[], live: boolean): LiveStream | null {
  const [stream, setStream] = useState<LiveStream | null>(null);
  const queries = useQueryClient();
  const wanted = match.join("\n");
  useEffect(() => {
    if (!live) return;
    const made = new LiveStream(host, wanted.split("\n"));
    made.listen({ host: () => void queries.invalidateQueries({ queryKey: ["host", host] }) });
    setStream(made);
    return () => {
      made.end();
      setStream(null);
    };
  }, [host, wanted, live, queries]);
  return stream;
}

/** `match`: what the live stream has to send for the charts inside. */
export function ChartPageProvider({
  host,
  match,
  marks,
  usual = DEFAULT_RANGE,
  children,
}: {
  host: string;
  match: readonly string[];
  marks: readonly Mark[];
  /** The range when the URL names none. */
  usual?: RangeName;
  children: ReactNode;
}) {
  const { range, show: zoom, reset } = useRange(usual);
  const { alone, isolate } = useLines();
  const stream = useStream(host, match, range.live);
  const page = useMemo<ChartPage>(
    () => ({ range, stream, marks, zoom, reset, alone, isolate }),
    [range, stream, marks, zoom, reset, alone, isolate],
  );
  return <ChartPageContext value={page}>{children}</ChartPageContext>;
}
