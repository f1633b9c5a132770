/** Which time is shown. Relative ranges are live; a stopped one is absolute. */
import { useState } from "react";
import { RANGE_WORDS, RANGES, type RangeName } from "../format/range";
import { span } from "../format/time";
import { Button } from "../ui/button";
import { Icon } from "../ui/icons";
import { Menu, MenuItem, MenuRadio, MenuSeparator } from "../ui/menu";
import { useRange } from "../ui/view";
import { RangeDialog } from "./range_dialog";

const OPTIONS = (Object.keys(RANGES) as RangeName[]).map(
  (name) => [name, `Last ${RANGE_WORDS[name]}`] as const,
);

/** `usual`: the page's range when its URL names none. */
export function RangePicker({ usual }: { usual: RangeName }) {
  const { range, name, choose, show, reset } = useRange(usual);
  const [asking, setAsking] = useState(false);
  const to = range.to ?? Math.floor(Date.now() / 1000) * 1000;
  const from = range.from ?? to - range.span;
  const words = range.live ? `Last ${RANGE_WORDS[name]}` : span(from, to, Date.now());
  return (
    <div className="range">
      <Button
        onClick={range.live ? () => show(from, to) : reset}
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
      <Menu label={`Time range: ${words}`} icon="clock" text={<span className="range-words">{words}</span>}>
        <MenuRadio value={range.live ? name : ("" as RangeName)} onChange={choose} options={OPTIONS} />
        <MenuSeparator />
        <MenuItem onSelect={() => setAsking(true)}>
          <span className="menu-mark" />
          From … to …
        </MenuItem>
        <p className="menu-hint">Drag over a chart for any other range; double-click goes back.</p>
      </Menu>
      <RangeDialog open={asking} onClose={() => setAsking(false)} from={from} to={to} show={show} />
    </div>
  );
}
