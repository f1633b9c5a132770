/** Which time the charts show. Relative ranges are live; a stopped one is absolute. */
import { getRouteApi } from "@tanstack/react-router";
import { DEFAULT_RANGE, RANGE_WORDS, RANGES, type RangeName, toRange } from "../format/range";
import { span } from "../format/time";
import { Button } from "../ui/button";
import { Icon } from "../ui/icons";
import { Menu, MenuRadio } from "../ui/menu";

const hostRoute = getRouteApi("/hosts/$host");
const OPTIONS = (Object.keys(RANGES) as RangeName[]).map(
  (name) => [name, `Last ${RANGE_WORDS[name]}`] as const,
);

export function RangePicker() {
  const search = hostRoute.useSearch();
  const navigate = hostRoute.useNavigate();
  const range = toRange(search);
  const name = search.range ?? DEFAULT_RANGE;
  const choose = (next: RangeName) =>
    void navigate({ search: { range: next === DEFAULT_RANGE ? undefined : next }, resetScroll: false });
  const toggle = () => {
    if (!range.live) return choose(name);
    const to = Math.floor(Date.now() / 1000) * 1000;
    void navigate({ search: { range: search.range, from: to - range.span, to }, resetScroll: false });
  };
  const words = range.live ? `Last ${RANGE_WORDS[name]}` : span(range.from ?? 0, range.to ?? 0, Date.now());
  return (
    <div className="range">
      <Button
        onClick={toggle}
        className="range-live"
        aria-label={range.live ? "Live: pause" : "Paused: go live"}
        title={
          range.live
            ? "Follows the present. Press to stop here."
            : "Stands still. Press to follow the present."
        }
      >
        {range.live ? <span className="live-dot" aria-hidden="true" /> : <Icon name="pause" size={14} />}
        <span className="not-on-phone">{range.live ? "Live" : "Paused"}</span>
      </Button>
      <Menu label={`Time range: ${words}`} icon="clock" text={<span>{words}</span>}>
        <MenuRadio value={range.live ? name : ("" as RangeName)} onChange={choose} options={OPTIONS} />
        <p className="menu-hint">Drag over a chart for any other range; double-click goes back.</p>
      </Menu>
    </div>
  );
}
