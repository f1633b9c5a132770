/** The attributes of an ATA disk, and everything else that is read of a disk. */
import type { StorageAttribute, StorageReading } from "../../api/types";
import { Chart } from "../../charts/chart";
import * as number from "../../format/number";
import { duration } from "../../format/time";
import { factValue, sentence } from "../../format/words";
import { Facts } from "../../ui/facts";
import { Quantity } from "../../ui/figures";
import { RowLink } from "../../ui/row_link";
import { Scroll } from "../../ui/scroll";
import { Gone, SidePanel } from "../../ui/side_panel";
import { State } from "../../ui/state";
import { moveInList } from "../../ui/table";
import { useOpenRow } from "../../ui/view";
import { type DiskShape, ofAttribute } from "./charts";

const nameOf = ({ name }: StorageAttribute): string => name.replaceAll("_", " ");

function Failed({ attribute }: { attribute: StorageAttribute }) {
  if (attribute.failed === "now")
    return <State of={attribute.prefailure ? "critical" : "warning"} word="failing now" />;
  if (attribute.failed === "past") return <State of="warning" word="failed in the past" />;
  return <span className="muted">never</span>;
}

const plain = (value: number | null) => <Quantity of={number.count(value)} />;

export function Attributes({ attributes }: { attributes: readonly StorageAttribute[] }) {
  return (
    <Scroll label="Attributes">
      <table className="table rows attributes">
        <caption className="sr-only">Attributes</caption>
        <thead>
          <tr>
            <th scope="col">Attribute</th>
            <th scope="col" className="numeric">
              Value
            </th>
            <th scope="col" className="numeric">
              Worst
            </th>
            <th scope="col" className="numeric">
              Threshold
            </th>
            <th scope="col">Type</th>
            <th scope="col">Failed</th>
            <th scope="col" className="numeric">
              Raw value
            </th>
          </tr>
        </thead>
        <tbody data-list="" onKeyDown={moveInList}>
          {attributes.map((each) => (
            <tr key={`${each.id} ${each.name}`}>
              <th scope="row">
                <RowLink row={`attribute:${each.id}`}>
                  <span className="attribute-id">{each.id}</span> {nameOf(each)}
                </RowLink>
              </th>
              <td className="numeric">{plain(each.value)}</td>
              <td className="numeric">{plain(each.worst)}</td>
              <td className="numeric">{plain(each.threshold)}</td>
              <td className="muted">{each.prefailure ? "pre-failure" : "old age"}</td>
              <td>
                <Failed attribute={each} />
              </td>
              <td className="numeric">{plain(each.raw)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** The history of one attribute, beside the page. */
export function AttributePanel({
  attributes,
  shape,
}: {
  attributes: readonly StorageAttribute[];
  shape: DiskShape;
}) {
  const { row, show, close } = useOpenRow();
  if (row === null || !row.startsWith("attribute:")) return null;
  const attribute = attributes.find(({ id }) => row === `attribute:${id}`);
  return (
    <SidePanel
      row={row}
      kind={`Attribute of ${shape.device}`}
      heading={attribute === undefined ? row : nameOf(attribute)}
      rows={attributes.map(({ id }) => `attribute:${id}`)}
      show={show}
      close={close}
    >
      <div key={row} className="panel-parts">
        {attribute === undefined ? (
          <Gone what="This attribute" />
        ) : (
          <>
            <Facts
              rows={[
                ["Value", plain(attribute.value)],
                ["Worst", plain(attribute.worst)],
                ["Threshold", plain(attribute.threshold)],
                ["Raw value", plain(attribute.raw)],
                ["Failed", <Failed key="failed" attribute={attribute} />],
                ["Type", attribute.prefailure ? "pre-failure" : "old age"],
              ]}
            />
            {ofAttribute(shape, attribute).map((spec) => (
              <Chart key={spec.id} spec={spec} />
            ))}
          </>
        )}
      </div>
    </SidePanel>
  );
}

/** `smartctl_device_bytes_read` as "Bytes read". */
const readingName = (metric: string): string =>
  sentence(metric.replace(/^(smartctl_device_|smartctl_|hi_smart_)/, "").replace(/_total$/, ""));

function readingValue({ value, unit, metric }: StorageReading): number.Quantity {
  if (unit === "bytes" || metric.includes("bytes")) return number.capacity(value);
  if (unit === "celsius") return number.celsius(value);
  if (unit === "ratio") return number.percent(value);
  if (unit === "seconds") return { value: duration(value), unit: "" };
  return { value: factValue("", value), unit: "" };
}

/** Everything that is read of it, for who wants to know. State sets show their state alone. */
export function Readings({ readings }: { readings: readonly StorageReading[] }) {
  const shown = readings.filter(({ labels, value }) => labels.state === undefined || value > 0);
  return (
    <Scroll label="Readings">
      <table className="table">
        <caption className="sr-only">Readings</caption>
        <thead>
          <tr>
            <th scope="col">Reading</th>
            <th scope="col">Which</th>
            <th scope="col" className="numeric">
              Value
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((each) => (
            <tr key={`${each.metric} ${JSON.stringify(each.labels)}`} title={each.help || undefined}>
              <td>{readingName(each.metric)}</td>
              <td className="muted wrap">
                {Object.entries(each.labels)
                  .filter(([key]) => !key.includes("flags"))
                  .map(([, value]) => value.replaceAll("_", " "))
                  .join(" · ")}
              </td>
              <td className="numeric">
                <Quantity of={readingValue(each)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
