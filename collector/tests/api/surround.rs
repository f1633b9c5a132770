//! What surrounds every request: names, methods, headers, problems, packing, the page. No database is there.

use std::collections::BTreeSet;

use serde_json::json;

use crate::bench::Bench;
use crate::client::{get, request};

#[tokio::test]
async fn without_a_database_what_can_be_answered_is() {
    let bench = Bench::without_database().await;
    assert_eq!(get(bench.address, "/healthz").await.json(), json!({"status": "ok"}));
    assert_eq!(get(bench.address, "/").await.status, 200);
    assert_eq!(get(bench.address, "/api/openapi.json").await.json()["openapi"], "3.1.0");
    let system = get(bench.address, "/api/system").await.json();
    assert_eq!(
        (&system["database"]["connected"], &system["broker"]["connected"]),
        (&json!(false), &json!(false))
    );
    assert!(system["database"]["error"].is_string() && system["rss_bytes"].as_u64().unwrap() > 0);
    let metrics = get(bench.address, "/metrics").await;
    let text = String::from_utf8(metrics.body.clone()).unwrap();
    assert!(text.contains("\nhi_collector_broker_connected 0\n"), "{text}");
    for path in [
        "/readyz",
        "/api/hosts",
        "/api/hosts/nas",
        "/api/events",
        "/api/series?match=up",
        "/api/samples?match=up",
    ] {
        let reply = get(bench.address, path).await;
        assert_eq!(reply.status, 503, "{path}");
        assert_eq!(reply.problem()["instance"], path.split('?').next().unwrap());
        assert_eq!(reply.header("retry-after"), "5");
    }
}

/// What the reference says stands on the page, and nothing else.
#[tokio::test]
async fn the_reference_names_the_collectors_own_metrics() {
    let bench = Bench::without_database().await;
    let page = String::from_utf8(get(bench.address, "/metrics").await.body).unwrap();
    let shown: BTreeSet<(&str, &str)> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let reference = include_str!("../../../docs/reference/collector-metrics.md");
    let row = |line: &'static str| {
        let mut cells = line.strip_prefix("| `hi_collector_")?.split(" | ");
        let name = cells.next()?.trim_end_matches('`').split('{').next()?;
        let absent = line.contains("absent before the first");
        (!absent).then(|| (name, cells.next().unwrap_or_default()))
    };
    let told: BTreeSet<(&str, &str)> = reference.lines().filter_map(row).collect();
    let shown: BTreeSet<(&str, &str)> =
        shown.into_iter().map(|(name, kind)| (name.strip_prefix("hi_collector_").unwrap(), kind)).collect();
    assert_eq!(shown, told);
    let stages: Vec<&str> = page
        .lines()
        .filter_map(|l| l.strip_prefix("hi_collector_stage_seconds_total{stage=\"")?.split('"').next())
        .collect();
    let rows: Vec<&str> = reference
        .split("| `stage` |")
        .nth(1)
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    assert_eq!(stages, rows);
}

#[tokio::test]
async fn foreign_names_are_refused() {
    let bench = Bench::without_database().await;
    for host in ["Host: evil.example", "Host: 127.0.0.1.evil.example:80", "X-Nothing: here"] {
        let reply = request(bench.address, "GET", "/api/system", &[host]).await;
        assert!(reply.status == 403 || reply.status == 400, "{host}: {reply:?}");
    }
    let reply = request(bench.address, "GET", "/healthz", &["Host: evil.example"]).await;
    assert_eq!(reply.problem()["type"], "urn:homelab-intelligence:problem:forbidden-host");
    let port = format!("Host: 127.0.0.1:{}", bench.address.port());
    assert_eq!(request(bench.address, "GET", "/healthz", &[&port]).await.status, 200);
}

#[tokio::test]
async fn mistakes_get_problem_documents() {
    let bench = Bench::without_database().await;
    for (method, path, status) in [
        ("GET", "/api/nothing", 404),
        ("GET", "/api", 404),
        ("POST", "/api/hosts", 405),
        ("DELETE", "/", 405),
        ("GET", "/assets/gone-1234.js", 404),
        ("GET", "/robots.txt", 404),
        ("GET", "/api/hosts?limit=x", 400),
        ("GET", "/api/hosts?limit=0", 400),
        ("GET", "/api/hosts?pretty=1", 400),
        ("GET", "/api/hosts/%FF", 404),
        ("GET", "/api/events?cursor=1", 400),
        ("GET", "/api/events?start=yesterday", 400),
        ("GET", "/api/series", 400),
        ("GET", "/api/series?match=%7B", 400),
        ("GET", "/api/samples?match=up&start=2&end=1", 400),
        ("GET", "/api/samples?match=up&step_seconds=-1", 400),
        ("GET", "/api/live?match=%7Ba%3D~%22(%22%7D", 400),
        ("GET", "/api/system?x=%FF", 400),
    ] {
        let reply = request(bench.address, method, path, &["Host: localhost"]).await;
        assert_eq!(reply.status, status, "{method} {path}");
        assert_eq!(reply.problem()["instance"], path.split('?').next().unwrap());
    }
    let many = "match=up&".repeat(33);
    assert_eq!(get(bench.address, &format!("/api/series?{many}")).await.problem()["status"], 422);
    let reply = request(bench.address, "POST", "/api/hosts", &["Host: localhost"]).await;
    assert_eq!(reply.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn answers_are_guarded_and_packed() {
    let bench = Bench::without_database().await;
    for path in ["/", "/healthz", "/api/nothing"] {
        let reply = get(bench.address, path).await;
        assert!(reply.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
    }
    let headers = ["Host: localhost", "Accept-Encoding: gzip"];
    let packed = request(bench.address, "GET", "/api/openapi.json", &headers).await;
    let plain = get(bench.address, "/api/openapi.json").await;
    assert_eq!((packed.header("content-encoding"), plain.header("content-encoding")), ("gzip", ""));
    assert!(packed.body.len() * 4 < plain.body.len() && packed.body.starts_with(&[0x1f, 0x8b]));
    assert_eq!(get(bench.address, "/api/system").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn the_page_answers_for_its_own_addresses_and_is_asked_for_once() {
    let bench = Bench::without_database().await;
    let page = get(bench.address, "/").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), "no-cache");
    for path in ["/hosts/nas", "/system", "/index.html"] {
        assert_eq!(get(bench.address, path).await.body, page.body, "{path}");
    }
    let known = format!("If-None-Match: \"other\", {}", page.header("etag"));
    let again = request(bench.address, "GET", "/", &["Host: localhost", &known]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let dotted = request(bench.address, "GET", "/hosts/a.b", &["Host: localhost", "Accept: text/html"]).await;
    assert_eq!(dotted.body, page.body, "a page whose address has a dot");
}
