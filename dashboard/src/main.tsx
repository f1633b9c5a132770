import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/client";
import { onReturn } from "./api/connection";
import { router } from "./app/router";
import "./ui/styles.css";

const queries = new QueryClient({
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

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
