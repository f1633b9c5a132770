/** All hosts as one dense table. */
import { memo, useMemo, useRef } from "react";
import type { HostSummary } from "../../api/types";
import { compare, moveInList, type Sort, SortHead, Spacer, useSlice } from "../../ui/table";
import { COLUMNS, type Column, matches } from "./columns";
import type { ColumnKey } from "./search";

/** Height of a row in px, as the style sheet has it; for tables too long to render whole. */
const ROW_HEIGHT = 45;

/** Filtered and sorted; hosts that compare alike stay in the order of their names. */
export function arrange(hosts: readonly HostSummary[], wanted: string, sort: Sort<ColumnKey>): HostSummary[] {
  const column = COLUMNS.find(({ key }) => key === sort.key);
  return hosts
    .filter((host) => matches(host, wanted))
    .sort((left, right) => {
      const order =
        column === undefined ? 0 : compare(column.sortBy(left), column.sortBy(right), sort.descending);
      return order || compare(left.host, right.host, false);
    });
}

const Row = memo(function Row({ host, columns }: { host: HostSummary; columns: readonly Column[] }) {
  return (
    <tr data-silent={host.state === "silent" ? "" : undefined} data-host={host.host}>
      {columns.map((column) =>
        column.key === "host" ? (
          <th key={column.key} scope="row" data-column={column.key}>
            {column.cell(host)}
          </th>
        ) : (
          <td
            key={column.key}
            data-column={column.key}
            data-words={column.words}
            className={column.numeric ? "numeric" : undefined}
          >
            {column.cell(host)}
          </td>
        ),
      )}
    </tr>
  );
});

export function HostsTable({
  hosts,
  shown,
  sort,
  onSort,
}: {
  hosts: readonly HostSummary[];
  shown: readonly ColumnKey[];
  sort: Sort<ColumnKey>;
  onSort: (sort: Sort<ColumnKey>) => void;
}) {
  const body = useRef<HTMLTableSectionElement>(null);
  const columns = useMemo(() => COLUMNS.filter(({ key }) => shown.includes(key)), [shown]);
  const { first, last, height } = useSlice(body, hosts.length, ROW_HEIGHT);
  return (
    <table className="table hosts phone-rows" aria-rowcount={hosts.length + 1}>
      <caption className="sr-only">Hosts</caption>
      <thead>
        <tr>
          {columns.map(({ key, words, numeric }) => (
            <SortHead key={key} column={key} sort={sort} onSort={onSort} numeric={numeric}>
              {words}
            </SortHead>
          ))}
        </tr>
      </thead>
      <tbody ref={body} data-list="" onKeyDown={moveInList}>
        <Spacer height={first * height} columns={columns.length} />
        {hosts.slice(first, last).map((host) => (
          <Row key={host.host_id} host={host} columns={columns} />
        ))}
        <Spacer height={(hosts.length - last) * height} columns={columns.length} />
      </tbody>
    </table>
  );
}
