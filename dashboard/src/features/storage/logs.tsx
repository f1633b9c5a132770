/** What a disk keeps logs of, what changed of it, and where it stood. */
import type { StorageDiskDetail } from "../../api/types";
import { exact, parseTime } from "../../format/time";
import { factValue, sentence } from "../../format/words";
import { HostLink } from "../../ui/condition";
import { Scroll } from "../../ui/scroll";
import { State } from "../../ui/state";
import { Empty } from "../../ui/views";
import { place } from "./words";

type Entries = StorageDiskDetail["self_tests"];

/** Columns in the order in which people read them; others behind. */
const ORDER = ["number", "kind", "result", "text", "passed", "at_hours", "sector", "failing_sector"];
const HEADS: Record<string, string> = { at_hours: "At power-on hour", text: "What", number: "No." };

function columnsOf(entries: Entries): string[] {
  const keys = new Set(entries.flatMap((entry) => Object.keys(entry)));
  const known = ORDER.filter((key) => keys.has(key));
  return [...known, ...[...keys].filter((key) => !ORDER.includes(key)).sort()];
}

/** A log as a table of what its entries have. */
export function Log({ label, entries, empty }: { label: string; entries: Entries; empty: string }) {
  if (entries.length === 0) return <Empty title={empty} />;
  const columns = columnsOf(entries).filter((key) => key !== "passed");
  return (
    <Scroll label={label}>
      <table className="table">
        <caption className="sr-only">{label}</caption>
        <thead>
          <tr>
            {columns.map((key) => (
              <th key={key} scope="col">
                {HEADS[key] ?? sentence(key)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {entries.map((entry, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: entries have no identity but their place
            <tr key={index}>
              {columns.map((key) => (
                <td key={key} className={key === "text" || key === "result" ? "wrap" : undefined}>
                  {key === "result" && typeof entry.passed === "boolean" ? (
                    <State of={entry.passed ? "ok" : "warning"} word={factValue(key, entry[key])} />
                  ) : (
                    factValue(key, entry[key])
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

export function Places({ places }: { places: StorageDiskDetail["places"] }) {
  if (places.length === 0) return <Empty title="Nothing is recorded of where it stood." />;
  return (
    <Scroll label="Where it stood">
      <table className="table">
        <caption className="sr-only">Where it stood</caption>
        <thead>
          <tr>
            <th scope="col">Host</th>
            <th scope="col">Device</th>
            <th scope="col">Place</th>
            <th scope="col">From</th>
            <th scope="col">Until</th>
          </tr>
        </thead>
        <tbody>
          {places.map((each) => (
            <tr key={`${each.host} ${each.from}`}>
              <td>
                <HostLink host={each.host} />
              </td>
              <td>{each.device ?? "–"}</td>
              <td className="wrap">{place(each) ?? "–"}</td>
              <td>{exact(parseTime(each.from) ?? 0)}</td>
              <td>{each.until === null ? "now" : exact(parseTime(each.until) ?? 0)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
