/**
 * Dialogs on the browser's own element: focus stays inside, the rest of the
 * page is inert, Esc closes. (Radix' dialog adds a style element to lock
 * scrolling, which the collector's content security policy rightly refuses.)
 */
import { type ReactNode, useEffect, useId, useRef } from "react";
import { IconButton } from "./button";

export function Dialog({
  open,
  onClose,
  title,
  hideTitle = false,
  children,
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  hideTitle?: boolean;
  children: ReactNode;
}) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    const dialog = element.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, [open]);
  if (!open) return null;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the click is on the backdrop; the key for it is Esc
    <dialog
      ref={element}
      className="floating dialog"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === event.currentTarget) onClose();
      }}
    >
      <div className="dialog-body">
        <div className={hideTitle ? "sr-only" : "dialog-head"}>
          <h2 id={id} className="dialog-title">
            {title}
          </h2>
          {!hideTitle && <IconButton icon="close" label="Close" onClick={onClose} />}
        </div>
        {children}
      </div>
    </dialog>
  );
}
