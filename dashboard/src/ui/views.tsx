/** The states that every view has: loading, empty, failed. */
import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import { Button } from "./button";
import { Icon } from "./icons";

/** Lines of the size that the content will have, so that nothing jumps. */
export function Skeleton({ rows, height = 36, label }: { rows: number; height?: number; label: string }) {
  return (
    <div className="skeleton-rows" role="status">
      <span className="sr-only">{label}</span>
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike
        <div key={index} style={{ height }} aria-hidden="true">
          <span className="skeleton" />
        </div>
      ))}
    </div>
  );
}

/** Nothing there: why, and what fills it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** A command to be typed, easy to select. */
export function Command({ children }: { children: string }) {
  return (
    <pre className="command">
      <code>{children}</code>
    </pre>
  );
}

/** What failed, a way to try again, and details for whoever looks into it. */
export function ErrorNote({ what, error, retry }: { what: string; error: Error; retry?: () => void }) {
  const api = error instanceof ApiError ? error : null;
  return (
    <div className="error-note" role="alert">
      <p>
        <span className="state state-critical">
          <Icon name="critical" />
        </span>
        <span>
          {what}: {error.message}.
        </span>
        {retry !== undefined && <Button onClick={retry}>Try again</Button>}
      </p>
      {api !== null && (
        <details>
          <summary>Details</summary>
          <dl className="facts">
            <dt>Asked</dt>
            <dd className="break">{api.url}</dd>
            <dt>Answer</dt>
            <dd>{api.status === null ? "none" : `status ${api.status}`}</dd>
            {api.problem !== null && (
              <>
                <dt>Problem</dt>
                <dd className="break">
                  {api.problem.title} ({api.problem.type})
                </dd>
              </>
            )}
          </dl>
        </details>
      )}
    </div>
  );
}
