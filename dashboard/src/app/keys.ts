/** The keyboard, for all pages: `/`, Ctrl-K, `g` then a letter, `?`, and j/k into the first list. */
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { PAGES } from "./pages";

/** After `g` a letter counts for this long. */
const PREFIX_MS = 1_200;

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

function focusFilter(): boolean {
  const filter = document.querySelector<HTMLInputElement>("[data-filter]");
  filter?.focus();
  filter?.select();
  return filter !== null;
}

/** j and k with nothing focused begin with the first row of the page. */
function enterList(): boolean {
  if (document.activeElement?.closest("[data-list]")) return false;
  const row = document.querySelector<HTMLElement>("[data-list] [data-row-link]");
  row?.focus();
  return row !== null;
}

export function useKeys(actions: { search: () => void; help: () => void }): void {
  const navigate = useNavigate();
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    let prefixed = 0;
    const onKey = (event: KeyboardEvent) => {
      const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
      if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        latest.current.search();
        return;
      }
      if (!plain || typing(event.target) || document.querySelector("dialog[open], [role=menu]") !== null)
        return;
      const page =
        performance.now() - prefixed < PREFIX_MS && PAGES.find((each) => each.letter === event.key);
      prefixed = 0;
      let done = true;
      if (page) void navigate({ to: page.to });
      else if (event.key === "g") prefixed = performance.now();
      else if (event.key === "/") done = focusFilter();
      else if (event.key === "?") latest.current.help();
      else if (event.key === "j" || event.key === "k") done = enterList();
      else done = false;
      if (done) event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [navigate]);
}
