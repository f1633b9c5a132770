/** What is shown when an address leads nowhere, or a page breaks. */
import { Link } from "@tanstack/react-router";
import { Button } from "../ui/button";
import { Empty, ErrorNote } from "../ui/views";

export function NotFound() {
  return (
    <Empty title="There is no page at this address.">
      <p>
        <Link to="/">Go to the overview</Link>
      </p>
    </Empty>
  );
}

/** A defect of ours, or a part of the page that could not be loaded after an update. */
export function PageFailed({ error, reset }: { error: unknown; reset: () => void }) {
  return (
    <div className="page">
      <ErrorNote
        what="This page could not be shown"
        error={error instanceof Error ? error : new Error(String(error))}
        retry={reset}
      />
      <Button onClick={() => location.reload()}>Reload</Button>
    </div>
  );
}
