/** A list: a table that sorts, and whose rows open a panel. Long ones render what is near the window. */
import { type ReactNode, useRef } from "react";
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

export function ListTable<Row extends { id: string; host_silent: boolean }>({
  spec,
  rows,
  sort,
  onSort,
}: {
  spec: ListSpec<Row>;
  rows: readonly Row[];
  sort: Sort<string>;
  onSort: (sort: string | undefined) => void;
}) {
  const body = useRef<HTMLTableSectionElement>(null);
  const { first, last, height } = useSlice(body, rows.length, ROW_HEIGHT);
  const columns = spec.columns;
  return (
    <Scroll label={spec.many}>
      <table className={`table rows list phone-rows ${spec.name}`} aria-rowcount={rows.length + 1}>
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
          {rows.slice(first, last).map((row) => (
            <tr key={row.id} data-silent={row.host_silent ? "" : undefined}>
              {columns.map(({ key, words, numeric, phone, cell }, index) =>
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
              )}
            </tr>
          ))}
          <Spacer height={(rows.length - last) * height} columns={columns.length} />
        </tbody>
      </table>
    </Scroll>
  );
}
