/** What of the attention list concerns one host. */
import { useQuery } from "@tanstack/react-query";
import { attentionQuery } from "../api/queries";
import type { Attention, AttentionItem } from "../api/types";
import { coarse, exact, parseTime } from "../format/time";
import { useNow } from "./now";
import { type Severity, State } from "./state";
import { TargetLink } from "./target_link";

/** For how long already; the exact time on hover. */
export function Since({ at }: { at: string }) {
  const now = useNow();
  const time = parseTime(at);
  if (time === null) return null;
  return (
    <time dateTime={at} title={`since ${exact(time)}`} className="attention-since">
      <span className="sr-only">for </span>
      {coarse(Math.max(0, now - time) / 1000)}
    </time>
  );
}

const WORST_FIRST = ["critical", "warning", "info"] as const;

/** The worst that concerns a host, "ok" when nothing does; null while that is not known. */
export function useWorst(host: string): Severity | null {
  const { data } = useQuery({
    ...attentionQuery,
    select: ({ items }: Attention) =>
      WORST_FIRST.find((each) => items.some((item) => item.host === host && item.severity === each)) ?? "ok",
  });
  return data ?? null;
}

/** `without`: what is said elsewhere on the page already. */
export function HostAttention({
  host,
  without = [],
}: {
  host: string;
  without?: readonly AttentionItem["kind"][];
}) {
  const { data } = useQuery(attentionQuery);
  const items = data?.items.filter((item) => item.host === host && !without.includes(item.kind)) ?? [];
  if (items.length === 0) return null;
  return (
    <ul className="host-attention" aria-label="Needs attention">
      {items.map((item) => (
        <li key={`${item.kind} ${item.subject}`} className="attention-item">
          <State of={item.severity} />
          <p>
            <span className="attention-subject">
              {item.target === null ? (
                item.subject
              ) : (
                <TargetLink target={item.target} host={item.host}>
                  {item.subject}
                </TargetLink>
              )}
            </span>{" "}
            <span className="attention-message">{item.message}</span>
          </p>
          <Since at={item.since} />
        </li>
      ))}
    </ul>
  );
}
