/** What needs attention, in words, worst first; or one quiet line that all is well. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { attentionQuery } from "../../api/queries";
import type { AttentionItem } from "../../api/types";
import { Ago } from "../../ui/figures";
import { Since } from "../../ui/host_attention";
import { State } from "../../ui/state";
import { TargetLink } from "../../ui/target_link";
import { ErrorNote, Skeleton } from "../../ui/views";

/** The part of the host's page (or the page) that shows more. */
const PLACE: Record<string, string> = {
  filesystem_full: "filesystems",
  filesystem_stalled: "filesystems",
  source_failing: "sources",
  agent_restarted: "events",
  data_lost: "events",
  sensor_alarm: "sensors",
  gpu_failing: "gpu",
  bmc_alarm: "bmc",
  ups_on_battery: "ups",
  ups_failing: "ups",
};

const WEIGHT = { critical: 0, warning: 1, info: 2 } as const;

/** Worst first, and of the equally bad the newest first. */
export function worstFirst(items: readonly AttentionItem[]): AttentionItem[] {
  return [...items].sort(
    (left, right) => WEIGHT[left.severity] - WEIGHT[right.severity] || right.since.localeCompare(left.since),
  );
}

function Item({ item }: { item: AttentionItem }) {
  return (
    <li className="attention-item">
      <State of={item.severity} />
      <p>
        {item.host === null ? (
          <Link to="/system" data-row-link="">
            collector
          </Link>
        ) : (
          <Link to="/hosts/$host" params={{ host: item.host }} hash={PLACE[item.kind]} data-row-link="">
            {item.host}
          </Link>
        )}
        {item.subject !== "" && item.subject !== item.host && (
          <span className="attention-subject">
            {" "}
            {item.target === null ? (
              item.subject
            ) : (
              <TargetLink target={item.target} host={item.host}>
                {item.subject}
              </TargetLink>
            )}
          </span>
        )}
        <span className="attention-message"> {item.message}</span>
      </p>
      <Since at={item.since} />
    </li>
  );
}

export function AttentionList({ hosts }: { hosts: number | null }) {
  const { data, error, refetch, isPending } = useQuery(attentionQuery);
  if (isPending) return <Skeleton rows={1} height={32} label="Asking what needs attention" />;
  if (data === undefined) {
    return error === null ? null : (
      <ErrorNote what="What needs attention could not be read" error={error} retry={() => void refetch()} />
    );
  }
  if (data.items.length === 0) {
    return (
      <p className="all-well" role="status">
        <State of="ok" word="All is well" />
        <span className="muted">
          {hosts !== null && hosts > 0 && `${hosts} ${hosts === 1 ? "host reports" : "hosts report"} · `}
          <Ago at={data.checked_at} prefix="checked " />
        </span>
      </p>
    );
  }
  return (
    <section aria-labelledby="attention-title" className="attention">
      <div className="section-head">
        <h2 id="attention-title">Needs attention</h2>
        <span className="muted">
          <Ago at={data.checked_at} prefix="checked " />
        </span>
      </div>
      <ul>
        {worstFirst(data.items).map((item) => (
          <Item key={`${item.kind} ${item.host} ${item.subject} ${item.since}`} item={item} />
        ))}
      </ul>
    </section>
  );
}
