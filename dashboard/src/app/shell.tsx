/** What surrounds every page: rail, top bar, banner, dialogs, keyboard. */
import { Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useConnection } from "../api/connection";
import { CommandSearch } from "./command_search";
import { KeyboardHelp } from "./keyboard_help";
import { useKeys } from "./keys";
import { OfflineBanner } from "./offline_banner";
import { Rail } from "./rail";
import { TopBar } from "./top_bar";

type Open = "none" | "search" | "help";

/** Screen readers are told of a new page; keyboards start at its top. */
function useFocusOnNavigation() {
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    main.current?.focus({ preventScroll: true });
  }, [path]);
  return main;
}

export function Shell() {
  const [open, setOpen] = useState<Open>("none");
  const close = () => setOpen("none");
  const offline = useConnection().offlineSince !== null;
  const main = useFocusOnNavigation();
  useKeys({ search: () => setOpen("search"), help: () => setOpen("help") });
  return (
    <div className="shell">
      <a href="#main" className="skip">
        Skip to the page
      </a>
      <Rail />
      <div className="shell-body">
        <TopBar onSearch={() => setOpen("search")} onHelp={() => setOpen("help")} />
        <OfflineBanner />
        <main ref={main} id="main" tabIndex={-1} data-offline={offline ? "" : undefined}>
          <Outlet />
        </main>
      </div>
      <CommandSearch open={open === "search"} onClose={close} />
      <KeyboardHelp open={open === "help"} onClose={close} />
    </div>
  );
}
