/** The panel of the container that is open. */
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { selector } from "../../api/selector";
import type { Container } from "../../api/types";
import { Chart } from "../../charts/chart";
import { inPanel } from "../../charts/of_host/sections";
import { ChartPageProvider } from "../../charts/provider";
import { Findings } from "../../ui/condition";
import { Facts } from "../../ui/facts";
import { Gone, SidePanel } from "../../ui/side_panel";
import { useOpenRow } from "../../ui/view";
import { cpu, memory } from "./charts";
import { containerFacts, useShape } from "./parts";

const MARKS: readonly never[] = [];

function Charts({ container }: { container: Container }) {
  const shape = useShape(container);
  const charts = useMemo(() => inPanel([cpu(shape), memory(shape)]), [shape]);
  const match = useMemo(
    () => charts.flatMap(({ selections }) => selections.map((each) => selector(each))),
    [charts],
  );
  return (
    <ChartPageProvider host={shape.host} match={match} marks={MARKS}>
      {charts.map((spec) => (
        <Chart key={spec.id} spec={spec} />
      ))}
    </ChartPageProvider>
  );
}

/** `shown`: the rows of the table in their order; `all`: every container. */
export function ContainerPanel({ all, shown }: { all: readonly Container[]; shown: readonly Container[] }) {
  const { row, show, close } = useOpenRow();
  if (row === null || !row.startsWith("container:")) return null;
  const id = row.slice("container:".length);
  const container = all.find((each) => each.id === id);
  const name = container?.key ?? id.slice(id.indexOf(":") + 1);
  return (
    <SidePanel
      row={row}
      kind={`Container${container === undefined ? "" : ` of ${container.host}`}`}
      heading={
        container === undefined ? (
          name
        ) : (
          <Link to="/containers/$host/$name" params={{ host: container.host, name: container.key }}>
            {name}
          </Link>
        )
      }
      rows={shown.map((each) => `container:${each.id}`)}
      show={show}
      close={close}
    >
      <div key={row} className="panel-parts">
        {container === undefined ? (
          <Gone what={`Container ${name}`} />
        ) : (
          <>
            <Findings findings={container.findings} />
            <Facts rows={containerFacts(container)} />
            <Charts container={container} />
            <p>
              <Link to="/containers/$host/$name" params={{ host: container.host, name: container.key }}>
                Events, network, disks, mounts and labels
              </Link>
            </p>
          </>
        )}
      </div>
    </SidePanel>
  );
}
