/**
 * The details of a row: beside the page, which stays usable, or as a sheet over
 * it on a phone. Its heading takes the focus, j and k go to the rows beside,
 * Esc closes and leaves the focus on the row.
 */
import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import { IconButton } from "./button";
import { useMedia } from "./media";

export const PANEL_ID = "side-panel";
/** Its name and kind: alone, a source called cpu would be the same as the section. */
const LABELS = `${PANEL_ID}-title ${PANEL_ID}-kind`;
const PHONE = "(width < 640px)";
const STEPS: Readonly<Record<string, number>> = { j: 1, k: -1 };

export interface SidePanelProps {
  /** The row, as the URL calls it. */
  row: string;
  /** What kind of thing it is, above its name. */
  kind: string;
  /** Its name, as a link where it has a page of its own. */
  heading: ReactNode;
  /** All rows in the order of their table. */
  rows: readonly string[];
  show: (row: string) => void;
  close: () => void;
  children: ReactNode;
}

const linkOf = (row: string): HTMLElement | null =>
  document.querySelector(`[data-row-link][data-row="${CSS.escape(row)}"]`);

const busy = (target: EventTarget | null): boolean =>
  (target instanceof HTMLElement && target.matches("input, textarea, select")) ||
  document.querySelector(`dialog[open]:not(#${PANEL_ID}), [role=menu]`) !== null;

/** j, k and Esc, wherever the focus is. */
function usePanelKeys(step: (by: number) => void, close: () => void): void {
  const latest = useRef({ step, close });
  latest.current = { step, close };
  useEffect(() => {
    // Before the page's own j and k, which would move the focus in the list only.
    const onStep = (event: KeyboardEvent) => {
      const by = STEPS[event.key];
      if (by === undefined || event.ctrlKey || event.metaKey || event.altKey || busy(event.target)) return;
      event.preventDefault();
      event.stopPropagation();
      latest.current.step(by);
    };
    // After everything else that Esc may close or clear.
    const onEscape = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented || busy(null)) return;
      // A sheet hears of it from the browser.
      if (document.querySelector(`dialog#${PANEL_ID}`) === null) latest.current.close();
    };
    document.addEventListener("keydown", onStep, true);
    document.addEventListener("keydown", onEscape);
    return () => {
      document.removeEventListener("keydown", onStep, true);
      document.removeEventListener("keydown", onEscape);
    };
  }, []);
}

/** The heading has the focus while rows are gone through; closed, the row has it again. */
function useFocus(row: string, panel: RefObject<HTMLElement | null>): void {
  const latest = useRef<string | null>(null);
  useEffect(() => {
    const first = latest.current === null;
    latest.current = row;
    // A page that was opened with the panel begins at its top, as any other.
    if (first && document.activeElement === document.body) return;
    linkOf(row)?.closest("tr")?.scrollIntoView({ block: "nearest" });
    const title = panel.current?.querySelector<HTMLElement>(".panel-title");
    (title?.querySelector("a") ?? title)?.focus({ preventScroll: true });
  }, [row, panel]);
  useLayoutEffect(() => {
    const element = panel.current;
    return () => {
      if (latest.current !== null && element?.contains(document.activeElement))
        linkOf(latest.current)?.focus({ preventScroll: true });
    };
  }, [panel]);
}

export function SidePanel({ row, kind, heading, rows, show, close, children }: SidePanelProps) {
  const panel = useRef<HTMLElement>(null);
  const phone = useMedia(PHONE);
  const at = rows.indexOf(row);
  const beside = (by: number) => rows[at < 0 ? 0 : at + by];
  const step = (by: number) => {
    const next = beside(by);
    if (next !== undefined) show(next);
  };
  usePanelKeys(step, close);
  useFocus(row, panel);
  const body = (
    <>
      <header className="panel-head">
        <div className="panel-name">
          <p id={`${PANEL_ID}-kind`} className="sub">
            {kind}
          </p>
          <h2 key={row} id={`${PANEL_ID}-title`} className="panel-title" tabIndex={-1}>
            {heading}
          </h2>
        </div>
        <IconButton icon="up" label="Row before (k)" onClick={() => step(-1)} disabled={!beside(-1)} />
        <IconButton icon="down" label="Next row (j)" onClick={() => step(1)} disabled={!beside(1)} />
        <IconButton icon="close" label="Close (Esc)" onClick={close} />
      </header>
      <div className="panel-body">{children}</div>
    </>
  );
  return phone ? (
    <Sheet panel={panel} close={close}>
      {body}
    </Sheet>
  ) : (
    <section ref={panel} id={PANEL_ID} className="side-panel" aria-labelledby={LABELS}>
      {body}
    </section>
  );
}

/** On a phone there is no beside: a dialog over the whole page. */
function Sheet({
  panel,
  close,
  children,
}: {
  panel: RefObject<HTMLElement | null>;
  close: () => void;
  children: ReactNode;
}) {
  useLayoutEffect(() => {
    const dialog = panel.current as HTMLDialogElement | null;
    dialog?.showModal();
    return () => dialog?.close();
  }, [panel]);
  return (
    <dialog
      ref={panel as RefObject<HTMLDialogElement | null>}
      id={PANEL_ID}
      className="side-panel sheet"
      aria-labelledby={LABELS}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
    >
      {children}
    </dialog>
  );
}

/** A row that the URL names and the table has not. */
export function Gone({ what }: { what: string }) {
  return <p className="empty">{what} is not there (any more).</p>;
}
