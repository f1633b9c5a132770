// /api/system of a collector that is well, and what ails it when told so.
export function system(hosts, now, ailing) {
  const iso = (seconds) => new Date(seconds * 1000).toISOString();
  const series = hosts.reduce((sum, host) => sum + host.series.length, 0);
  return {
    version: "0.1.0",
    started_at: iso(now - 93_784),
    uptime_seconds: 93_784,
    rss_bytes: 68_157_440,
    bytes_written: 412_000_000,
    ingest: {
      connected: true,
      lag_messages: ailing ? 48_211 : 0,
      lag_seconds: ailing ? 312 : 0.4,
      batches_total: 84_112,
      samples_total: 41_218_660,
      samples_per_second: series / 10,
      duplicates_total: 12,
      series,
      layouts: hosts.length * 9,
    },
    head: {
      bytes: ailing ? 246_000_000 : 21_400_000,
      limit_bytes: 256 * 1024 ** 2,
      samples: 1_480_000,
      oldest_at: iso(now - 840),
    },
    flush: {
      count: 78,
      last_at: iso(now - 840),
      last_seconds: 0.41,
      last_samples: 611_204,
      last_error: ailing ? "could not extend file: no space left on device" : null,
      interval_seconds: 1200,
    },
    cursor: { hosts: hosts.length, gaps_open: ailing ? 2 : 0, gaps_repaired_total: 3, batches_lost_total: 0 },
    dead_letters: {
      count: ailing ? 2 : 0,
      recent: ailing
        ? [
            {
              at: iso(now - 4000),
              host: "media",
              subject: "hi.v1.metrics.media",
              reason: "too large",
              detail: "1 412 034 bytes, at most 1 048 576",
            },
            {
              at: iso(now - 9000),
              host: null,
              subject: "hi.v1.metrics.x",
              reason: "undecodable",
              detail: "unexpected marker 0xc1 at byte 0",
            },
          ]
        : [],
    },
    database: {
      version: "15.14",
      timescaledb: null,
      size_bytes: 1_240_000_000,
      connected: !ailing,
      error: ailing ? "connection refused" : null,
    },
    broker: {
      url: "nats://127.0.0.1:4222",
      version: "2.9.10",
      connected: true,
      stream_bytes: 318_000_000,
      stream_messages: 60_480,
    },
    refused_series: ailing ? [{ host: "media", reason: "more than 20 000 series", count: 812 }] : [],
    housekeeping: [
      {
        task: "partitions",
        last_at: iso(now - 3000),
        last_seconds: 0.02,
        last_error: null,
        result: "2 made",
      },
      {
        task: "merge days",
        last_at: iso(now - 30_000),
        last_seconds: 4.2,
        last_error: null,
        result: "4 812 blocks into 1 604",
      },
      { task: "retention", last_at: null, last_seconds: null, last_error: null, result: null },
    ],
    clients: { live: 1, limit: 64 },
  };
}
