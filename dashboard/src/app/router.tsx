/** Which address shows which page, and what of it stands in the URL. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { hostQuery } from "../api/queries";
import { queries } from "../api/query_client";
import { OverviewPage } from "../features/overview/page";
import { parseOverview } from "../features/overview/search";
import { parseRange } from "../format/range";
import { NotFound, PageFailed } from "./fallbacks";
import { Shell } from "./shell";

const text = (value: unknown): string | undefined => {
  const words = typeof value === "string" || typeof value === "number" ? String(value) : "";
  return words === "" ? undefined : words;
};

/** What the list of events is filtered by. */
interface EventsSearch {
  host?: string;
  type?: string;
  q?: string;
}

const rootRoute = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  errorComponent: PageFailed,
});

const overviewRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  validateSearch: parseOverview,
  component: OverviewPage,
});

const hostRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/hosts/$host",
  validateSearch: parseRange,
  // Asked for while the page's code is still on its way; the page itself waits for it.
  loader: ({ params }) => void queries.prefetchQuery(hostQuery(params.host)),
  component: lazyRouteComponent(() => import("../features/host/page"), "HostPage"),
});

const eventsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/events",
  validateSearch: (search: Record<string, unknown>): EventsSearch => ({
    host: text(search.host),
    type: text(search.type),
    q: text(search.q),
  }),
  component: lazyRouteComponent(() => import("../features/events/page"), "EventsPage"),
});

const systemRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/system",
  component: lazyRouteComponent(() => import("../features/system/page"), "SystemPage"),
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([overviewRoute, hostRoute, eventsRoute, systemRoute]),
  defaultPreload: "intent",
  scrollRestoration: true,
  defaultErrorComponent: PageFailed,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
