/** What names a row of a table and opens its panel. */
import { Link, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { PANEL_ID } from "./side_panel";
import type { ViewSearch } from "./view";

/** `row` is what the URL calls it. With another row open this one takes its place, so that Back closes the panel. */
export function RowLink({ row, children }: { row: string; children: ReactNode }) {
  const open = useSearch({ strict: false, select: (search: ViewSearch) => search.row });
  return (
    <Link
      to="."
      search={(before: ViewSearch) => ({ ...before, row })}
      replace={open !== undefined}
      state={(before) =>
        open === undefined ? { opened: true, scrollKey: before.scrollKey ?? before.__TSR_key } : before
      }
      resetScroll={false}
      preload={false}
      data-row={row}
      data-row-link=""
      className="row-link"
      aria-expanded={open === row}
      aria-controls={open === row ? PANEL_ID : undefined}
    >
      {children}
    </Link>
  );
}
