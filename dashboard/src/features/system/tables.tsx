import type { ReactNode } from "react";
import type { System } from "../../api/types";
import * as number from "../../format/number";
import { elapsed } from "../../format/time";
import { Ago, Quantity } from "../../ui/figures";
import { Scroll } from "../../ui/scroll";
import { State } from "../../ui/state";
import { Empty } from "../../ui/views";

function Table({
  caption,
  heads,
  children,
}: {
  caption: string;
  heads: readonly string[];
  children: ReactNode;
}) {
  return (
    <Scroll label={caption}>
      <table className="table">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </Scroll>
  );
}

export function Housekeeping({ tasks }: { tasks: System["housekeeping"] }) {
  if (tasks.length === 0)
    return <Empty title="Housekeeping has not run yet; its first turn comes soon after the start." />;
  return (
    <Table caption="Housekeeping" heads={["Task", "State", "Last run", "Took", "Result"]}>
      {tasks.map((task) => (
        <tr key={task.task}>
          <th scope="row">{task.task}</th>
          <td>
            {task.last_error !== null && <State of="warning" word="failed" />}
            {task.last_error === null &&
              (task.last_at === null ? (
                <State of="unknown" word="not run yet" />
              ) : (
                <State of="ok" word="done" />
              ))}
          </td>
          <td>
            <Ago at={task.last_at} />
          </td>
          <td>{elapsed(task.last_seconds)}</td>
          <td className="wrap">{task.last_error ?? task.result ?? "–"}</td>
        </tr>
      ))}
    </Table>
  );
}

export function DeadLetters({ letters }: { letters: System["dead_letters"] }) {
  if (letters.count === 0) return <Empty title="None: every message could be read." />;
  return (
    <>
      <p className="muted">
        <Quantity of={number.count(letters.count)} /> in all
        {letters.recent.length < letters.count && `, the latest ${letters.recent.length} are shown`}.
      </p>
      <Table caption="Dead letters" heads={["When", "Host", "Reason", "Detail", "Subject"]}>
        {letters.recent.map((letter) => (
          <tr key={`${letter.at} ${letter.subject} ${letter.detail}`}>
            <td>
              <Ago at={letter.at} />
            </td>
            <th scope="row">{letter.host ?? "unknown"}</th>
            <td>{letter.reason}</td>
            <td className="wrap">{letter.detail}</td>
            <td className="muted">{letter.subject}</td>
          </tr>
        ))}
      </Table>
    </>
  );
}

export function RefusedSeries({ refused }: { refused: System["refused_series"] }) {
  if (refused.length === 0) return <Empty title="None: every series is within the limits." />;
  return (
    <Table caption="Refused series" heads={["Host", "Series", "Reason"]}>
      {refused.map(({ host, reason, count }) => (
        <tr key={`${host} ${reason}`}>
          <th scope="row">{host}</th>
          <td>
            <Quantity of={number.count(count)} />
          </td>
          <td className="wrap">{reason}</td>
        </tr>
      ))}
    </Table>
  );
}
