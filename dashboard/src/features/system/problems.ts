/** What is wrong with the system itself, in words. Pure. */
import type { System } from "../../api/types";
import * as number from "../../format/number";
import { duration } from "../../format/time";
import type { Severity } from "../../ui/state";

export interface SystemProblem {
  severity: Severity;
  words: string;
  /** What follows from it, and what to do. */
  advice: string;
}

/** Readings later than this are worth a word; the agents send every 10 s. */
const LAG_SECONDS = 60;
/** A head fuller than this is flushed early. */
const HEAD_FULL_RATIO = 0.9;

export function problems(system: System): SystemProblem[] {
  const found: SystemProblem[] = [];
  const say = (severity: Severity, words: string, advice: string) => found.push({ severity, words, advice });
  const { ingest, head, flush, cursor, database, broker } = system;
  if (!database.connected) {
    say(
      "critical",
      `The database does not answer${database.error === null ? "" : `: ${database.error}`}`,
      "Live readings are shown from memory; history is not. Nothing is lost while the broker keeps it.",
    );
  }
  if (!broker.connected || !ingest.connected) {
    say(
      "critical",
      `There is no connection to the broker at ${broker.url}`,
      "Agents keep their readings and send them when it is back.",
    );
  } else if (ingest.lag_seconds !== null && ingest.lag_seconds > LAG_SECONDS) {
    say(
      "warning",
      `The collector is ${duration(ingest.lag_seconds)} behind, with ${number.text(number.count(ingest.lag_messages))} messages waiting`,
      "It catches up by itself; if the number grows, the machine or its disk is too slow.",
    );
  }
  if (flush.last_error !== null) {
    say(
      "critical",
      `The last flush failed: ${flush.last_error}`,
      "It is tried again; the readings wait in memory and with the broker.",
    );
  }
  if (head.limit_bytes > 0 && head.bytes / head.limit_bytes > HEAD_FULL_RATIO) {
    say(
      "warning",
      "The head is nearly full",
      "It is flushed early, in smaller blocks. Raise its limit if this stays.",
    );
  }
  if (cursor.gaps_open > 0) {
    const many =
      cursor.gaps_open === 1 ? "One gap in the readings is" : `${cursor.gaps_open} gaps in the readings are`;
    say("info", `${many} being repaired`, "The agents are asked to send them again.");
  }
  if (cursor.batches_lost_total > 0) {
    say(
      "warning",
      `${number.text(number.count(cursor.batches_lost_total))} batches are lost for good`,
      "Their agents had to drop them; the charts show gaps there.",
    );
  }
  if (system.dead_letters.count > 0) {
    say(
      "warning",
      `${number.text(number.count(system.dead_letters.count))} messages could not be understood`,
      "They are kept as dead letters, see below.",
    );
  }
  const refused = system.refused_series.reduce((sum, { count }) => sum + count, 0);
  if (refused > 0) {
    say(
      "warning",
      `${number.text(number.count(refused))} series are refused`,
      "They exceed a limit, see below.",
    );
  }
  for (const task of system.housekeeping) {
    if (task.last_error !== null) {
      say(
        "warning",
        `Housekeeping “${task.task}” failed: ${task.last_error}`,
        "It is tried again at its next turn.",
      );
    }
  }
  return found;
}
