/** Ctrl-K: hosts, disks, arrays, pools, containers and pages by any part of their name. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useId, useMemo, useState } from "react";
import { arraysQuery, containersQuery, disksQuery, hostsQuery, poolsQuery } from "../api/queries";
import { Dialog } from "../ui/dialog";
import { Icon, type IconName } from "../ui/icons";
import { PAGES } from "./pages";
import { rank } from "./rank";

interface Entry {
  id: string;
  words: string;
  detail: string;
  icon: IconName;
  also: string;
  go: () => void;
}

const MOST_SHOWN = 12;

/** Disks, arrays and pools; those that are found by what else is known of them as well. */
function useStorageEntries(): Entry[] {
  const navigate = useNavigate();
  const { data: disks } = useQuery(disksQuery);
  const { data: arrays } = useQuery(arraysQuery);
  const { data: pools } = useQuery(poolsQuery);
  return useMemo(() => {
    const found = (disks?.disks ?? []).map((disk) => ({
      id: `disk ${disk.id}`,
      words: [disk.model ?? disk.device, disk.serial].filter(Boolean).join(" "),
      detail: `disk ${disk.device} of ${disk.host}`,
      icon: "disk" as const,
      also: `disk ${disk.host} ${disk.device} ${disk.wwn ?? ""} ${disk.used_by.join(" ")}`,
      go: () => void navigate({ to: "/disks/$id", params: { id: disk.id } }),
    }));
    const wholes = [
      ...(arrays ?? []).map((array) => ({
        kind: "array",
        also: `md raid ${array.level ?? ""}`,
        ...named(array),
      })),
      ...(pools ?? []).map((pool) => ({
        kind: "pool",
        also: `${pool.type} ${pool.guid ?? ""}`,
        ...named(pool),
      })),
    ].map(({ kind, also, id, name, host }) => ({
      id: `${kind} ${id}`,
      words: name,
      detail: `${kind} of ${host}`,
      icon: "storage" as const,
      also: `${kind} ${host} ${also}`,
      go: () => void navigate({ to: "/storage", search: { row: `${kind}:${id}` } }),
    }));
    return [...wholes, ...found];
  }, [disks, arrays, pools, navigate]);
}

function useContainerEntries(): Entry[] {
  const navigate = useNavigate();
  const { data: containers } = useQuery(containersQuery);
  return useMemo(
    () =>
      (containers ?? []).map((each) => ({
        id: `container ${each.id}`,
        words: each.key,
        detail: `container of ${each.host}`,
        icon: "containers" as const,
        also: `container ${each.host} ${each.image ?? ""} ${each.compose_project ?? ""}`,
        go: () =>
          void navigate({ to: "/containers/$host/$name", params: { host: each.host, name: each.key } }),
      })),
    [containers, navigate],
  );
}

const named = ({ id, name, host }: { id: string; name: string; host: string }) => ({ id, name, host });

function useEntries(done: () => void): Entry[] {
  const navigate = useNavigate();
  const { data: hosts = [] } = useQuery(hostsQuery);
  const storage = useStorageEntries();
  const containers = useContainerEntries();
  return useMemo(() => {
    const pages = PAGES.map(({ to, words, icon, also }) => ({
      id: to,
      words,
      detail: "page",
      icon,
      also,
      go: () => void navigate({ to }),
    }));
    const rest = hosts.map((host) => ({
      id: `host ${host.host}`,
      words: host.host,
      detail: host.state === "ok" ? (host.os ?? "host") : host.state,
      icon: "host" as const,
      also: `host ${host.os ?? ""} ${host.kernel ?? ""}`,
      go: () => void navigate({ to: "/hosts/$host", params: { host: host.host } }),
    }));
    return [...pages, ...rest, ...storage, ...containers].map((entry) => ({
      ...entry,
      go: () => {
        done();
        entry.go();
      },
    }));
  }, [hosts, storage, containers, navigate, done]);
}

function Search({ onClose }: { onClose: () => void }) {
  const [wanted, setWanted] = useState("");
  const [chosen, setChosen] = useState(0);
  const id = useId();
  const entries = useEntries(onClose);
  const found = rank(wanted, entries).slice(0, MOST_SHOWN);
  const at = Math.min(chosen, found.length - 1);
  const onKey = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by !== undefined && found.length > 0) {
      event.preventDefault();
      setChosen((at + by + found.length) % found.length);
    } else if (event.key === "Enter") {
      found[at]?.go();
    }
  };
  return (
    <>
      <div className="search-field">
        <Icon name="search" />
        <input
          // biome-ignore lint/a11y/noAutofocus: the dialog exists for this field
          autoFocus
          role="combobox"
          aria-label="Search hosts, disks, pools, containers and pages"
          aria-expanded="true"
          aria-controls={`${id}-found`}
          aria-activedescendant={found.length > 0 ? `${id}-${at}` : undefined}
          placeholder="Host, disk, pool, container or page"
          value={wanted}
          onChange={(event) => {
            setWanted(event.target.value);
            setChosen(0);
          }}
          onKeyDown={onKey}
        />
        <kbd>Esc</kbd>
      </div>
      <div id={`${id}-found`} role="listbox" aria-label="Found" className="search-found">
        {found.map((entry, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the field, which keeps the focus
          <div
            key={entry.id}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            className="search-entry"
            onClick={entry.go}
            onMouseMove={() => setChosen(index)}
          >
            <Icon name={entry.icon} />
            <span>{entry.words}</span>
            <span className="muted">{entry.detail}</span>
          </div>
        ))}
      </div>
      {found.length === 0 && <p className="search-none muted">Nothing has “{wanted}” in its name.</p>}
    </>
  );
}

export function CommandSearch({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title="Search" hideTitle>
      <Search onClose={onClose} />
    </Dialog>
  );
}
