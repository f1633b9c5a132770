import { Dialog } from "../ui/dialog";
import { PAGES } from "./pages";

const KEYS: readonly (readonly [keys: readonly string[], words: string])[] = [
  [["Ctrl", "K"], "Search hosts, disks, pools and pages"],
  [["/"], "Filter the list on this page"],
  [["j"], "Next row"],
  [["k"], "Row before"],
  [["Enter"], "Open the row"],
  ...PAGES.map(({ letter, words }) => [["g", letter], `Go to ${words}`] as const),
  [["Esc"], "Close, or clear the filter"],
  [["?"], "This help"],
];

export function KeyboardHelp({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title="Keyboard">
      <dl className="keys">
        {KEYS.map(([keys, words]) => (
          <div key={words}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
      <p className="muted">On charts: drag to zoom, Shift-drag to move, double-click to go back.</p>
    </Dialog>
  );
}
