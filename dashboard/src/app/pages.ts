/** The pages that have an entry of their own, in order. */
import type { IconName } from "../ui/icons";

export interface PageEntry {
  to: "/" | "/storage" | "/containers" | "/events" | "/system";
  words: string;
  icon: IconName;
  /** Pressed after `g`. */
  letter: string;
  /** More words by which search finds it. */
  also: string;
}

export const PAGES: readonly PageEntry[] = [
  { to: "/", words: "Overview", icon: "overview", letter: "o", also: "hosts attention home" },
  {
    to: "/storage",
    words: "Storage",
    icon: "storage",
    letter: "d",
    also: "disks arrays pools smart zfs raid btrfs health",
  },
  {
    to: "/containers",
    words: "Containers",
    icon: "containers",
    letter: "c",
    also: "docker podman compose images",
  },
  { to: "/events", words: "Events", icon: "events", letter: "e", also: "log history restarts" },
  {
    to: "/system",
    words: "System",
    icon: "system",
    letter: "s",
    also: "collector broker database ingest health",
  },
];
