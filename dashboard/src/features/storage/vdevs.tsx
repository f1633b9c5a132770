/** The devices of a pool as a tree. */
import type { StorageVdev } from "../../api/types";
import { Words } from "../../ui/condition";
import { Scroll } from "../../ui/scroll";
import { DeviceLink } from "./parts";
import { flatten, vdevErrors } from "./words";

export function Vdevs({ vdevs }: { vdevs: readonly StorageVdev[] }) {
  const lines = flatten(vdevs);
  if (lines.length === 0) return <p className="muted">The agent told of no devices.</p>;
  return (
    <Scroll label="Devices">
      <table className="table vdevs">
        <caption className="sr-only">Devices</caption>
        <thead>
          <tr>
            <th scope="col">Device</th>
            <th scope="col">State</th>
            <th scope="col">Errors</th>
          </tr>
        </thead>
        <tbody>
          {lines.map(({ vdev, depth }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: several may have one name
            <tr key={`${index} ${vdev.name}`}>
              <th scope="row" data-depth={Math.min(depth, 4)}>
                <DeviceLink disk={vdev.disk}>{vdev.name}</DeviceLink>
                {vdev.class !== "data" && depth === 0 && <span className="sub"> {vdev.class}</span>}
              </th>
              <td>
                <Words state={vdev.state} words={vdev.words.toLowerCase()} />
                {vdev.reason !== null && <div className="sub">{vdev.reason}</div>}
              </td>
              <td className={vdevErrors(vdev) === "" ? "muted" : "state-warning"}>
                {vdevErrors(vdev) || "0"}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
