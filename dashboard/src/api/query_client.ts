/** What was asked and answered, for the whole page. */
import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "./client";
import { onReturn } from "./connection";

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      // The browser's idea of being online says nothing about loopback.
      networkMode: "always",
      // Refused requests stay refused; when nothing answers, the connection retries for all.
      retry: (failures, error) =>
        failures < 1 && error instanceof ApiError && error.status !== null && error.status >= 500,
      retryDelay: 500,
    },
  },
});
onReturn(() => void queries.invalidateQueries());
