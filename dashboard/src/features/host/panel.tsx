/** The panel of the row that is open on a host's page, whichever list it is of. */
import { getRouteApi } from "@tanstack/react-router";
import type { HostDetail } from "../../api/types";
import type { HostShape } from "../../charts/of_host/shape";
import { Gone, SidePanel } from "../../ui/side_panel";
import { useOpenRow } from "../../ui/view";
import { LISTS } from "./lists";
import { readRow } from "./search";

const route = getRouteApi("/hosts/$host");

export function HostPanel({ host, shape }: { host: HostDetail; shape: HostShape }) {
  const search = route.useSearch();
  const { row, show, close } = useOpenRow();
  const wanted = readRow(row);
  const list = LISTS.find(({ kind }) => kind === wanted?.kind);
  if (row === null || wanted === null || list === undefined) return null;
  return (
    <SidePanel
      row={row}
      kind={`${list.one} of ${host.host}`}
      heading={wanted.name}
      rows={list.names(host, search).map((name) => `${list.kind}:${name}`)}
      show={show}
      close={close}
    >
      {/* Another row is another drawing: what the last one had must not be seen in it. */}
      <div key={row} className="panel-parts">
        {list.details(host, wanted.name, shape) ?? <Gone what={`${list.one} ${wanted.name}`} />}
      </div>
    </SidePanel>
  );
}
