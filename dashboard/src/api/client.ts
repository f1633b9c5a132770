/** One way to ask the collector: `get`. Errors are always `ApiError`. */
import { reportAnswer, reportSilence } from "./connection";
import type { Problem } from "./types";

/** Why a request failed, in words for people and with details for reports. */
export class ApiError extends Error {
  constructor(
    message: string,
    /** HTTP status, or null when nothing answered. */
    readonly status: number | null,
    /** The address that was asked. */
    readonly url: string,
    /** The collector's own account, when it gave one. */
    readonly problem: Problem | null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

export type Parameters = Record<string, string | number | readonly string[] | null | undefined>;

const TIMEOUT_MS = 30_000;

/** Path and query; lists become repeated parameters, missing values none. */
export function address(path: string, parameters: Parameters = {}): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value === null || value === undefined || value === "") continue;
    if (typeof value === "object") for (const each of value) query.append(key, each);
    else query.append(key, String(value));
  }
  const text = query.toString();
  return text === "" ? path : `${path}?${text}`;
}

async function problemOf(response: Response): Promise<Problem | null> {
  try {
    const body: unknown = await response.json();
    return typeof body === "object" && body !== null && "title" in body ? (body as Problem) : null;
  } catch {
    return null;
  }
}

/**
 * Fetches JSON. Throws `ApiError`; an aborted request throws the abort itself.
 * Gateway errors count as "nothing answered": a proxy spoke, not the collector.
 */
export async function get<T>(path: string, parameters?: Parameters, signal?: AbortSignal): Promise<T> {
  const url = address(path, parameters);
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { accept: "application/json" },
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    });
  } catch (cause) {
    if (signal?.aborted === true) throw cause;
    if (limit.aborted) {
      throw new ApiError(`the collector did not answer within ${TIMEOUT_MS / 1000} s`, null, url, null);
    }
    reportSilence();
    throw new ApiError("the collector does not answer", null, url, null);
  }
  if (response.status === 502 || response.status === 504) {
    reportSilence();
    throw new ApiError("the collector does not answer", response.status, url, null);
  }
  reportAnswer();
  if (!response.ok) {
    const problem = await problemOf(response);
    const message =
      problem?.detail || problem?.title || `the collector answered with status ${response.status}`;
    throw new ApiError(message, response.status, url, problem);
  }
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiError("the answer is not JSON", response.status, url, null);
  }
}
