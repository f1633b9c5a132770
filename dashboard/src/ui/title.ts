import { useEffect } from "react";

/** Names the browser's tab after the page. */
export function useTitle(words: string): void {
  useEffect(() => {
    document.title = `${words} · Homelab Intelligence`;
  }, [words]);
}
