/** Which address shows which page, and what of it stands in the URL. */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  retainSearchParams,
} from "@tanstack/react-router";
import { containerQuery, datasetsQuery, diskQuery, hostQuery } from "../api/queries";
import { queries } from "../api/query_client";
import { parseContainers } from "../features/containers/search";
import { parseHost } from "../features/host/search";
import { OverviewPage } from "../features/overview/page";
import { parseOverview } from "../features/overview/search";
import { parsePool, parseStorage } from "../features/storage/search";
import { parseView, searchText, type ViewSearch } from "../ui/view";
import { NotFound, PageFailed } from "./fallbacks";
import { Shell } from "./shell";

/** What the list of events is filtered by. */
interface EventsSearch extends ViewSearch {
  host?: string;
  type?: string;
  q?: string;
}

const rootRoute = createRootRoute({
  component: Shell,
  validateSearch: parseView,
  // The time range goes along to every page.
  search: { middlewares: [retainSearchParams(["range", "from", "to"])] },
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
  validateSearch: parseHost,
  // Asked for while the page's code is still on its way; the page itself waits for it.
  loader: ({ params }) => void queries.prefetchQuery(hostQuery(params.host)),
  component: lazyRouteComponent(() => import("../features/host/page"), "HostPage"),
});

const storageRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/storage",
  validateSearch: parseStorage,
  component: lazyRouteComponent(() => import("../features/storage/page"), "StoragePage"),
});

const diskRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/disks/$id",
  validateSearch: parseView,
  loader: ({ params }) => void queries.prefetchQuery(diskQuery(params.id)),
  component: lazyRouteComponent(() => import("../features/storage/disk_page"), "DiskPage"),
});

const poolRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/pools/$id",
  validateSearch: parsePool,
  loader: ({ params }) => void queries.prefetchQuery(datasetsQuery(params.id)),
  component: lazyRouteComponent(() => import("../features/storage/pool_page"), "PoolPage"),
});

const containersRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/containers",
  validateSearch: parseContainers,
  component: lazyRouteComponent(() => import("../features/containers/page"), "ContainersPage"),
});

const containerRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/containers/$host/$name",
  validateSearch: parseView,
  loader: ({ params }) => void queries.prefetchQuery(containerQuery(params.host, params.name)),
  component: lazyRouteComponent(() => import("../features/containers/container_page"), "ContainerPage"),
});

const eventsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/events",
  validateSearch: (search: Record<string, unknown>): EventsSearch => ({
    ...parseView(search),
    host: searchText(search.host),
    type: searchText(search.type),
    q: searchText(search.q),
  }),
  component: lazyRouteComponent(() => import("../features/events/page"), "EventsPage"),
});

const systemRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/system",
  component: lazyRouteComponent(() => import("../features/system/page"), "SystemPage"),
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    overviewRoute,
    hostRoute,
    storageRoute,
    diskRoute,
    poolRoute,
    containersRoute,
    containerRoute,
    eventsRoute,
    systemRoute,
  ]),
  defaultPreload: "intent",
  scrollRestoration: true,
  getScrollRestorationKey: ({ state, href }) => state.scrollKey ?? state.__TSR_key ?? href,
  defaultErrorComponent: PageFailed,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
