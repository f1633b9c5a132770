/** Dialogs on Radix: focus stays inside, Esc closes. */
import * as Radix from "@radix-ui/react-dialog";
import type { ReactNode } from "react";
import { Icon } from "./icons";

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
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="overlay" />
        <Radix.Content className="floating dialog" aria-describedby={undefined}>
          <div className={hideTitle ? "sr-only" : "dialog-head"}>
            <Radix.Title className="dialog-title">{title}</Radix.Title>
            {!hideTitle && (
              <Radix.Close className="icon-button" aria-label="Close">
                <Icon name="close" />
              </Radix.Close>
            )}
          </div>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
