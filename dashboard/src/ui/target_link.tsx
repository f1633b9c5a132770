/** Where something that needs attention is shown: its row on a page, or its part of its host's page. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

/** Kinds of things that are a part of their host's page, and that part. */
const PARTS: Record<string, string> = { sensor: "sensors", gpu: "gpu", ups: "ups", bmc: "bmc" };

/** `target` as the collector names it: `pool:nas1:tank`, `container:nas1:web`. */
export function TargetLink({
  target,
  host,
  children,
}: {
  target: string;
  host: string | null;
  children: ReactNode;
}) {
  const kind = target.slice(0, target.indexOf(":"));
  const part = PARTS[kind];
  if (kind === "container")
    return (
      <Link to="/containers" search={{ row: target }}>
        {children}
      </Link>
    );
  if (part !== undefined && host !== null)
    return (
      <Link to="/hosts/$host" params={{ host }} hash={part}>
        {children}
      </Link>
    );
  return (
    <Link to="/storage" search={{ row: target }}>
      {children}
    </Link>
  );
}
