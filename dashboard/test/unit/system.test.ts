import { describe, expect, it } from "vitest";
import type { System } from "../../src/api/types";
import { problems } from "../../src/features/system/problems";
// @ts-expect-error the stand-in is plain JavaScript
import { system } from "../stand_in/system.mjs";

const make = (ailing: boolean) => system([], 1_700_000_000, ailing) as System;
const words = (state: System) => problems(state).map((problem) => problem.words.replaceAll("\u2009", " "));

describe("the system's problems", () => {
  it("are none while all is well", () => {
    expect(problems(make(false))).toEqual([]);
  });

  it("are each said in words", () => {
    expect(words(make(true))).toEqual([
      "The database does not answer: connection refused",
      "The collector is 5 min 12 s behind, with 48,211 messages waiting",
      "The last flush failed: could not extend file: no space left on device",
      "The head is nearly full",
      "2 gaps in the readings are being repaired",
      "2 messages could not be understood",
      "812 series are refused",
    ]);
  });

  it("says that the broker is gone instead of how far behind it is", () => {
    const state = make(true);
    state.broker.connected = false;
    expect(words(state)[1]).toBe("There is no connection to the broker at nats://127.0.0.1:4222");
    expect(words(state).join()).not.toContain("behind");
  });

  it("counts lost batches and failed housekeeping", () => {
    const state = make(false);
    state.cursor.batches_lost_total = 3;
    state.housekeeping = [
      { task: "retention", last_at: null, last_seconds: null, last_error: "timeout", result: null },
    ];
    expect(words(state)).toEqual(["3 batches are lost for good", "Housekeeping “retention” failed: timeout"]);
  });
});
