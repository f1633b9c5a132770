// /api/samples and the matching of selectors, as contract-shaped as the pages need.
import { present } from "./series.mjs";

/** Parses `name{a="b",c=~"d|e",f!="g"}`. */
export function parseSelector(text) {
  const [, metric, inside = ""] = /^([a-zA-Z_:][\w:]*)?(?:\{(.*)\})?$/.exec(text) ?? [];
  const tests = [...inside.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g)].map(
    ([, label, operator, raw]) => {
      const value = raw.replace(/\\(.)/g, (_all, character) => (character === "n" ? "\n" : character));
      const pattern = operator.includes("~") ? new RegExp(`^(?:${value})$`) : null;
      return (labels, metric) => {
        const actual = label === "__name__" ? metric : (labels[label] ?? "");
        const hit = pattern === null ? actual === value : pattern.test(actual);
        return operator.startsWith("!") ? !hit : hit;
      };
    },
  );
  return (series) =>
    (metric === undefined || series.metric === metric) &&
    tests.every((test) => test(series.labels, series.metric));
}

/** Every series of every host that one of the selectors fits. */
export function select(hosts, selectors) {
  const tests = selectors.map(parseSelector);
  return hosts.flatMap((host) =>
    host.series.filter((series) => tests.some((test) => test(series))).map((series) => ({ host, series })),
  );
}

function bucketsOf({ host, series }, mode, start, step, count, now) {
  const avg = [];
  const min = [];
  const max = [];
  const last = [];
  // A reading each 10 s, but no more than this many per bucket are looked at.
  const parts = Math.min(8, Math.max(1, Math.round(step / 10)));
  for (let index = 0; index < count; index += 1) {
    const values = [];
    for (let part = 0; part < parts; part += 1) {
      const at = start + index * step + ((part + 0.5) * step) / parts;
      if (at > now || !present(host, at)) continue;
      const before = at - step / parts;
      values.push(
        mode === "rate" ? (series.value(at) - series.value(before)) / (at - before) : series.value(at),
      );
    }
    const none = values.length === 0;
    avg.push(none ? null : values.reduce((sum, value) => sum + value, 0) / values.length);
    min.push(none ? null : Math.min(...values));
    max.push(none ? null : Math.max(...values));
    last.push(none ? null : values.at(-1));
  }
  return { avg, min, max, last };
}

function sumUp(found, labels) {
  const sums = new Map();
  for (const each of found) {
    const kept = Object.fromEntries(labels.map((label) => [label, each.labels[label] ?? ""]));
    const key = each.metric + JSON.stringify(kept);
    const sum = sums.get(key);
    if (sum === undefined) {
      sums.set(key, { ...each, id: null, labels: kept });
      continue;
    }
    for (const column of ["avg", "min", "max", "last"]) {
      sum[column] = sum[column].map((value, index) => {
        const other = each[column][index];
        return value === null ? other : other === null ? value : value + other;
      });
    }
  }
  return [...sums.values()];
}

export function samples(hosts, query, now) {
  const end = query.has("end") ? Date.parse(query.get("end")) / 1000 : now;
  const from = query.has("start") ? Date.parse(query.get("start")) / 1000 : end - 3600;
  const step = Number(query.get("step_seconds"));
  const start = Math.floor(from / step) * step;
  const count = Math.max(1, Math.ceil((end - start) / step));
  const mode = query.get("mode") ?? "value";
  const found = select(hosts, query.getAll("match")).map((each) => ({
    id: each.series.id,
    metric: each.series.metric,
    labels: each.series.labels,
    kind: each.series.kind,
    unit: null,
    ...bucketsOf(each, mode, start, step, count, now),
  }));
  const labels = query.get("sum_by");
  return {
    start: new Date(start * 1000).toISOString(),
    end: new Date(end * 1000).toISOString(),
    step_seconds: step,
    resolution: step >= 3600 ? "hour" : "raw",
    partial: false,
    series: labels === null ? found : sumUp(found, labels.split(",")),
  };
}
