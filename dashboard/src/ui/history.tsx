/** What changed of a thing, newest first. */
import type { StorageChange } from "../api/types";
import { factValue, sentence } from "../format/words";
import { Ago } from "./figures";
import { Empty } from "./views";

const KIND_WORDS: Record<string, string> = { disk_health: "health" };

export function History({ changes }: { changes: readonly StorageChange[] }) {
  if (changes.length === 0) return <Empty title="Nothing is recorded of its past yet." />;
  return (
    <ul className="changes">
      {changes.map((change) => (
        <li key={`${change.at} ${change.host} ${change.kind}`}>
          <span className="muted nowrap">
            <Ago at={change.at} />
          </span>
          <div>
            {change.event === "changed" ? (
              <ul>
                {change.fields.map(({ field, before, after }) => (
                  <li key={field} className="break">
                    {sentence(field)}: <span className="muted">{factValue(field, before)}</span> →{" "}
                    {factValue(field, after)}
                  </li>
                ))}
              </ul>
            ) : (
              <span>
                {KIND_WORDS[change.kind] ?? change.kind} {change.event === "gone" ? "gone from" : "seen on"}{" "}
                {change.host}
              </span>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}
