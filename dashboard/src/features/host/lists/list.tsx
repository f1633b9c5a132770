/** A list of a host: a table that sorts and filters, and a panel for each of its rows. */
import { getRouteApi } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import type { HostDetail } from "../../../api/types";
import type { HostShape } from "../../../charts/of_host/shape";
import { hasWords } from "../../../format/words";
import { FilterField } from "../../../ui/filter";
import { RowLink } from "../../../ui/row_link";
import { Scroll } from "../../../ui/scroll";
import { compare, moveInList, readSort, type Sort, SortHead, writeSort } from "../../../ui/table";
import type { HostSearch, ListKind } from "../search";

const route = getRouteApi("/hosts/$host");
/** Shorter lists are read faster than filtered. */
const FILTERED_FROM = 9;

export interface Column<Row> {
  key: string;
  words: string;
  numeric: boolean;
  /** Its text may take several lines. */
  wrap?: boolean;
  sortBy: (row: Row) => string | number | null;
  cell: (row: Row) => ReactNode;
}

/** What a list is, as data. The first column names the row. */
interface ListSpec<Row> {
  kind: ListKind;
  /** The section of the page that it stands in. */
  section: string;
  one: string;
  many: string;
  rows: (host: HostDetail) => readonly Row[];
  columns: readonly Column<Row>[];
  first: Sort<string>;
  /** Rows that step back. */
  quiet?: (row: Row) => boolean;
  /** In place of a table without rows. */
  empty: ReactNode;
  Details: (props: { row: Row; host: HostDetail; shape: HostShape }) => ReactNode;
}

/** What the page needs of a list, whatever its rows are. */
export interface List {
  kind: ListKind;
  section: string;
  one: string;
  table: (host: HostDetail) => ReactNode;
  /** The names of its rows as they are shown: filtered and sorted. */
  names: (host: HostDetail, search: HostSearch) => string[];
  /** A row's panel; nothing when there is no such row. */
  details: (host: HostDetail, name: string, shape: HostShape) => ReactNode;
}

export const plainText = (value: string | null) => value || <span className="muted">–</span>;

export function list<Row>(spec: ListSpec<Row>): List {
  const name = (row: Row) => String(spec.columns[0]?.sortBy(row) ?? "");
  const { Details } = spec;
  return {
    kind: spec.kind,
    section: spec.section,
    one: spec.one,
    table: (host) => <ListTable spec={spec} host={host} />,
    names: (host, search) => arrange(spec, host, search).rows.map(name),
    details: (host, wanted, shape) => {
      const row = spec.rows(host).find((each) => name(each) === wanted);
      return row === undefined ? null : <Details row={row} host={host} shape={shape} />;
    },
  };
}

/** The rows as the URL wants them, and by what they are sorted. */
function arrange<Row>(spec: ListSpec<Row>, host: HostDetail, search: HostSearch) {
  const keys = spec.columns.map(({ key }) => key);
  const sort = readSort(search[`sort_${spec.kind}`], keys, spec.first);
  const wanted = search[`filter_${spec.kind}`] ?? "";
  const by = spec.columns.find(({ key }) => key === sort.key);
  const first = spec.columns[0];
  const rows = spec
    .rows(host)
    .filter((row) => hasWords(spec.columns.map(({ sortBy }) => sortBy(row) ?? "").join(" "), wanted))
    .sort(
      (left, right) =>
        (by === undefined ? 0 : compare(by.sortBy(left), by.sortBy(right), sort.descending)) ||
        compare(first?.sortBy(left), first?.sortBy(right), false),
    );
  return { rows, sort, wanted };
}

function ListTable<Row>({ spec, host }: { spec: ListSpec<Row>; host: HostDetail }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { rows, sort, wanted } = useMemo(() => arrange(spec, host, search), [spec, host, search]);
  const all = spec.rows(host).length;
  const change = (key: "sort" | "filter", value: string | undefined) =>
    void navigate({
      search: (before) => ({ ...before, [`${key}_${spec.kind}`]: value }),
      replace: true,
      state: true,
      resetScroll: false,
    });
  if (all === 0) return spec.empty;
  return (
    <>
      {(all >= FILTERED_FROM || wanted !== "") && (
        <div className="list-tools">
          <FilterField
            value={wanted}
            onChange={(value) => change("filter", value || undefined)}
            label={`Filter ${spec.many.toLowerCase()}`}
          />
          {wanted !== "" && <span className="muted">{`${rows.length} of ${all}`}</span>}
        </div>
      )}
      <Scroll label={spec.many}>
        <table className="table rows">
          <caption className="sr-only">{spec.many}</caption>
          <thead>
            <tr>
              {spec.columns.map(({ key, words, numeric }) => (
                <SortHead
                  key={key}
                  column={key}
                  sort={sort}
                  onSort={(next) => change("sort", writeSort(next, spec.first))}
                  numeric={numeric}
                >
                  {words}
                </SortHead>
              ))}
            </tr>
          </thead>
          <tbody data-list="" onKeyDown={moveInList}>
            {rows.map((row) => (
              <Row key={String(spec.columns[0]?.sortBy(row))} spec={spec} row={row} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  );
}

function Row<Row>({ spec, row }: { spec: ListSpec<Row>; row: Row }) {
  const [name, ...rest] = spec.columns;
  const quiet = spec.quiet?.(row) === true;
  return (
    <tr className={quiet ? "quiet" : undefined}>
      <th scope="row">
        <RowLink row={`${spec.kind}:${name?.sortBy(row)}`}>{name?.cell(row)}</RowLink>
      </th>
      {rest.map(({ key, numeric, wrap, cell }) => (
        <td key={key} className={numeric ? "numeric" : wrap ? "wrap" : undefined}>
          {cell(row)}
        </td>
      ))}
    </tr>
  );
}
