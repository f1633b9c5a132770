/** A list: a table that sorts, and whose rows open a panel. Long ones render what is near the window. */
import { type ReactNode, useMemo, useRef } from "react";
import { hasWords } from "../format/words";
import { Scroll } from "./scroll";
import { compare, moveInList, readSort, type Sort, SortHead, Spacer, useSlice, writeSort } from "./table";

export interface Column<Row> {
  key: string;
  words: string;
  numeric?: boolean;
  /** On a phone, where a row is a grid of three: a line of its own without the column's words, two places, or nothing. */
  phone?: "line" | "two" | "none";
  sortBy: (row: Row) => string | number | null;
  cell: (row: Row) => ReactNode;
}

export interface ListSpec<Row> {
  many: string;
  /** Classes of the table. */
  name: string;
  columns: readonly Column<Row>[];
  first: Sort<string>;
  /** What else the filter looks at. */
  also: (row: Row) => string;
}

/** Height of a row in px, as the style sheet has it; for tables too long to render whole. */
const ROW_HEIGHT = 45;

/** The rows as the URL wants them; those that compare alike stay in the order of their ids. */
export function arrange<Row extends { id: string }>(
  spec: ListSpec<Row>,
  rows: readonly Row[],
  wanted: string,
  sortText: string | undefined,
): { rows: Row[]; sort: Sort<string> } {
  const keys = spec.columns.map(({ key }) => key);
  const sort = readSort(sortText, keys, spec.first);
  const by = spec.columns.find(({ key }) => key === sort.key);
  const text = (row: Row) =>
    `${spec.columns.map(({ sortBy }) => sortBy(row) ?? "").join(" ")} ${spec.also(row)}`;
  const found = rows
    .filter((row) => wanted === "" || hasWords(text(row), wanted))
    .sort(
      (left, right) =>
        (by === undefined ? 0 : compare(by.sortBy(left), by.sortBy(right), sort.descending)) ||
        compare(left.id, right.id, false),
    );
  return { rows: found, sort };
}

/** A row of the table: of the list, or one that begins a group. */
type Line<Row> = { group: string; rows: readonly Row[] } | { row: Row };

/** The rows with a line before each group; those of a group stand together already. */
function linesOf<Row>(rows: readonly Row[], groupOf: ((row: Row) => string) | undefined): Line<Row>[] {
  if (groupOf === undefined) return rows.map((row) => ({ row }));
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groupOf(row);
    const known = groups.get(group);
    if (known === undefined) groups.set(group, [row]);
    else known.push(row);
  }
  return [...groups].flatMap(([group, own]) => [{ group, rows: own }, ...own.map((row) => ({ row }))]);
}

/** The rows by groups in the order of their names, each in the order they had. */
export function grouped<Row>(rows: readonly Row[], groupOf: (row: Row) => string): Row[] {
  return [...rows].sort((left, right) => compare(groupOf(left), groupOf(right), false));
}

function Cells<Row>({ columns, row }: { columns: readonly Column<Row>[]; row: Row }) {
  return columns.map(({ key, words, numeric, phone, cell }, index) =>
    index === 0 ? (
      <th key={key} scope="row" data-column={key}>
        {cell(row)}
      </th>
    ) : (
      <td
        key={key}
        data-column={key}
        data-words={words}
        data-phone={phone}
        className={numeric ? "numeric" : undefined}
      >
        {cell(row)}
      </td>
    ),
  );
}

export function ListTable<Row extends { id: string; host_silent: boolean }>({
  spec,
  rows,
  sort,
  onSort,
  groupOf,
  groupHead,
}: {
  spec: ListSpec<Row>;
  rows: readonly Row[];
  sort: Sort<string>;
  onSort: (sort: string | undefined) => void;
  /** The group that a row belongs to, where they are grouped. */
  groupOf?: (row: Row) => string;
  groupHead?: (group: string, rows: readonly Row[]) => ReactNode;
}) {
  const body = useRef<HTMLTableSectionElement>(null);
  const lines = useMemo(() => linesOf(rows, groupOf), [rows, groupOf]);
  const { first, last, height } = useSlice(body, lines.length, ROW_HEIGHT);
  const columns = spec.columns;
  return (
    <Scroll label={spec.many}>
      <table className={`table rows list phone-rows ${spec.name}`} aria-rowcount={lines.length + 1}>
        <caption className="sr-only">{spec.many}</caption>
        <thead>
          <tr>
            {columns.map(({ key, words, numeric = false }) => (
              <SortHead
                key={key}
                column={key}
                sort={sort}
                onSort={(next) => onSort(writeSort(next, spec.first))}
                numeric={numeric}
              >
                {words}
              </SortHead>
            ))}
          </tr>
        </thead>
        <tbody ref={body} data-list="" onKeyDown={moveInList}>
          <Spacer height={first * height} columns={columns.length} />
          {lines.slice(first, last).map((line) =>
            "row" in line ? (
              <tr key={line.row.id} data-silent={line.row.host_silent ? "" : undefined}>
                <Cells columns={columns} row={line.row} />
              </tr>
            ) : (
              <tr key={`group ${line.group}`} className="group">
                <th colSpan={columns.length} scope="rowgroup">
                  {groupHead?.(line.group, line.rows) ?? line.group}
                </th>
              </tr>
            ),
          )}
          <Spacer height={(lines.length - last) * height} columns={columns.length} />
        </tbody>
      </table>
    </Scroll>
  );
}
