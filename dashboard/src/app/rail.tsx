/** The way between pages: at the left, or at the bottom of a phone. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { attentionQuery } from "../api/queries";
import { Icon } from "../ui/icons";
import { PAGES } from "./pages";

/** How many things need attention, as seen from every page. */
function AttentionCount() {
  const { data } = useQuery(attentionQuery);
  const items = data?.items.filter((item) => item.severity !== "info") ?? [];
  if (items.length === 0) return null;
  const worst = items.some((item) => item.severity === "critical") ? "critical" : "warning";
  return (
    <span className={`rail-count ${worst}`}>
      {items.length}
      <span className="sr-only"> need attention</span>
    </span>
  );
}

export function Rail() {
  return (
    <nav className="rail" aria-label="Pages">
      <Link to="/" className="brand" aria-label="Homelab Intelligence: overview">
        <img src="/icon.svg" alt="" width="22" height="22" />
        <span>Homelab Intelligence</span>
      </Link>
      <ul>
        {PAGES.map(({ to, words, icon }) => (
          <li key={to}>
            <Link to={to} className="rail-link" activeOptions={{ exact: to === "/", includeSearch: false }}>
              <Icon name={icon} size={18} />
              <span>{words}</span>
              {to === "/" && <AttentionCount />}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
