/** Sorting and moving through tables, the same everywhere. */
import { type KeyboardEvent, type ReactNode, useEffect, useState } from "react";
import { Icon } from "./icons";

export interface Sort<Key extends string> {
  key: Key;
  /** Greatest first. */
  descending: boolean;
}

/** A sort as the URL has it: the column, with a minus in front for greatest first; `usual` where it has none. */
export function readSort<Key extends string>(
  text: string | undefined,
  keys: readonly Key[],
  usual: Sort<Key>,
): Sort<Key> {
  const name = text?.replace(/^-/, "");
  const key = keys.find((each) => each === name);
  return key === undefined ? usual : { key, descending: text?.startsWith("-") ?? false };
}

/** As the URL has it; nothing for the usual one. */
export function writeSort<Key extends string>(
  { key, descending }: Sort<Key>,
  usual: Sort<Key>,
): string | undefined {
  if (key === usual.key && descending === usual.descending) return undefined;
  return descending ? `-${key}` : key;
}

/** Compares with missing values last, whichever way the rest goes; text by the user's alphabet. */
export function compare(
  left: string | number | null | undefined,
  right: string | number | null | undefined,
  descending: boolean,
): number {
  const noLeft = left === null || left === undefined;
  const noRight = right === null || right === undefined;
  if (noLeft || noRight) return Number(noLeft) - Number(noRight);
  const order =
    typeof left === "string" || typeof right === "string"
      ? String(left).localeCompare(String(right), undefined, { numeric: true })
      : left - right;
  return descending ? -order : order;
}

/** A column's head that sorts when pressed. */
export function SortHead<Key extends string>({
  column,
  sort,
  onSort,
  numeric = false,
  children,
}: {
  column: Key;
  sort: Sort<Key>;
  onSort: (sort: Sort<Key>) => void;
  numeric?: boolean;
  children: ReactNode;
}) {
  const active = sort.key === column;
  const direction = active ? (sort.descending ? "descending" : "ascending") : undefined;
  return (
    <th scope="col" aria-sort={direction} className={numeric ? "numeric" : undefined} data-column={column}>
      <button
        type="button"
        className="sort"
        onClick={() => onSort({ key: column, descending: active ? !sort.descending : numeric })}
      >
        {children}
        {active && <Icon name={sort.descending ? "down" : "up"} size={11} />}
      </button>
    </th>
  );
}

/** j and k (and the arrows) move between the links that name the rows; Enter follows, as links do. */
export function moveInList(event: KeyboardEvent<HTMLElement>): void {
  const by = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
  if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-row-link]")];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

export interface Slice {
  first: number;
  last: number;
  /** Height of a row in px. */
  height: number;
}

/** Mean height of the rows that are rendered. */
function measured(body: HTMLElement): number | null {
  const rows = body.querySelectorAll<HTMLElement>(":scope > tr:not(.spacer)");
  const top = rows[0]?.getBoundingClientRect().top ?? 0;
  const bottom = rows[rows.length - 1]?.getBoundingClientRect().bottom ?? 0;
  return bottom > top ? (bottom - top) / rows.length : null;
}

/**
 * Rows beyond those near the window are not rendered; short tables are rendered whole. `usual` is the height of a row as
 * the style sheet has it; where it is another one, as on a phone, it is measured once for each width of the window.
 */
export function useSlice(element: React.RefObject<HTMLElement | null>, rows: number, usual: number): Slice {
  const whole = rows <= 120;
  const [slice, setSlice] = useState<Slice>({ first: 0, last: 60, height: usual });
  useEffect(() => {
    if (whole) return;
    let width: number | null = null;
    let height = usual;
    const measure = () => {
      const body = element.current;
      const top = body?.getBoundingClientRect().top ?? 0;
      if (body !== null && width !== window.innerWidth) {
        height = measured(body) ?? usual;
        width = window.innerWidth;
      }
      const first = Math.max(0, Math.floor(-top / height) - 20);
      const last = Math.min(rows, Math.ceil((window.innerHeight - top) / height) + 20);
      setSlice((before) =>
        before.first === first && before.last === last && before.height === height
          ? before
          : { first, last, height },
      );
    };
    measure();
    window.addEventListener("scroll", measure, { passive: true });
    window.addEventListener("resize", measure);
    return () => {
      window.removeEventListener("scroll", measure);
      window.removeEventListener("resize", measure);
    };
  }, [element, rows, usual, whole]);
  return whole
    ? { first: 0, last: rows, height: usual }
    : { ...slice, first: Math.min(slice.first, rows), last: Math.min(slice.last, rows) };
}

/** A tall empty row in place of those that are not rendered. */
export function Spacer({ height, columns }: { height: number; columns: number }) {
  if (height <= 0) return null;
  return (
    <tr className="spacer">
      <td colSpan={columns} style={{ height, padding: 0, border: 0 }} />
    </tr>
  );
}
