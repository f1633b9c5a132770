//! Sensors, graphics processors, power supplies and controllers that hosts told of, as the API shows them.

use hi_common::metric::Kind::{Counter, Gauge};
use serde_json::{Value, json};

use crate::agent::{Agent, Sample};
use crate::bench::Bench;
use crate::client::get;
use crate::data::World;
use crate::storage::tell;

const PACKAGE: [(&str, &str); 2] = [("index", "0"), ("path", "/sys/class/powercap/intel-rapl:0")];
const UPS: [(&str, &str); 1] = [("ups", "eaton")];

async fn publish(world: &World, agent: &mut Agent) {
    let t0 = world.t0;
    tell(
        agent,
        "sensor_chip",
        "platform_coretemp_0",
        t0,
        json!({"name": "coretemp", "device": "coretemp.0"}),
    )
    .await;
    tell(agent, "gpu", "GPU-1", t0, json!({"vendor": "nvidia", "name": "RTX 3060", "uuid": "GPU-1"})).await;
    tell(agent, "bmc", "0", t0, json!({"manufacturer": "Supermicro", "firmware": "1.66"})).await;
    let ups = json!({"protocol": "nut", "model": "Ellipse", "nominal_power_watts": 500});
    tell(agent, "ups", "eaton@127.0.0.1:3493", t0, ups).await;
    let temp = [("chip", "platform_coretemp_0"), ("sensor", "temp1")];
    let inlet = [("id", "18"), ("name", "Inlet Temp")];
    let gpu = [("uuid", "GPU-1")];
    let on_battery = [("flag", "OB"), ("ups", "eaton")];
    for tick in 0..=6_i64 {
        let at = t0 + tick * 10_000;
        let sources: [(&str, &[Sample<'_>]); 5] = [
            (
                "hwmon",
                &[
                    ("node_hwmon_temp_celsius", Gauge, &temp, 88.0),
                    ("node_hwmon_temp_max_celsius", Gauge, &temp, 84.0),
                    ("node_hwmon_temp_crit_celsius", Gauge, &temp, 100.0),
                ],
            ),
            ("rapl", &[("node_rapl_package_joules_total", Counter, &PACKAGE, 200.0 * tick as f64)]),
            (
                "nvidia",
                &[
                    ("nvidia_smi_utilization_gpu_ratio", Gauge, &gpu, 0.5),
                    ("nvidia_smi_power_draw_watts", Gauge, &gpu, 30.0),
                ],
            ),
            (
                "ipmi",
                &[
                    ("ipmi_temperature_celsius", Gauge, &inlet, 24.0),
                    ("ipmi_temperature_state", Gauge, &inlet, 0.0),
                    ("ipmi_chassis_power_state", Gauge, &[], 1.0),
                ],
            ),
            (
                "ups",
                &[
                    ("network_ups_tools_ups_status", Gauge, &on_battery, 1.0),
                    ("network_ups_tools_battery_charge", Gauge, &UPS, 90.0),
                    ("network_ups_tools_ups_load", Gauge, &UPS, 20.0),
                ],
            ),
        ];
        for (source, samples) in sources {
            agent.read(source, at, samples).await;
        }
    }
    world.bench.taken(35).await;
}

/// All facts have come.
fn complete(page: &Value) -> bool {
    page["ups"][0]["model"] == "Ellipse" && page["ups"][0]["flags"] == json!(["OB"])
}

#[tokio::test]
async fn devices_are_shown_with_what_is_wrong_with_them() {
    let world = World::start().await;
    let mut agent = world.agent("nas1").await;
    publish(&world, &mut agent).await;
    let page = world.until("/api/ups", complete).await;
    let ups = &page["ups"][0];
    assert_eq!((&ups["id"], &ups["state"]), (&json!("nas1:eaton@127.0.0.1:3493"), &json!("warning")));
    assert_eq!((&ups["on_battery"], &ups["power_watts"]), (&json!(true), &json!(100.0)));

    let chips = world.until("/api/sensors", |page| page["chips"][0]["name"] == "coretemp").await;
    let sensor = &chips["chips"][0]["sensors"][0];
    assert_eq!((&sensor["value"], &sensor["type"]), (&json!(88.0), &json!("temperature")));
    assert_eq!((&sensor["critical_max"], &sensor["state"]), (&json!(100.0), &json!("warning")));
    assert_eq!(chips["chips"][1]["origin"], "ipmi");

    let gpus = world.until("/api/gpus?host=nas1", |page| page["gpus"][0]["name"] == "RTX 3060").await;
    assert_eq!((&gpus["gpus"][0]["busy_ratio"], &gpus["gpus"][0]["vendor"]), (&json!(0.5), &json!("nvidia")));
    let bmcs = world.until("/api/bmc", |page| page["bmcs"][0]["firmware"] == "1.66").await;
    assert_eq!(bmcs["bmcs"][0]["sensors"][0]["label"], "Inlet Temp");

    let items = world.json("/api/attention").await["items"].clone();
    let lines: Vec<&str> =
        items.as_array().unwrap().iter().filter_map(|item| item["kind"].as_str()).collect();
    assert!(lines.contains(&"sensor_alarm") && lines.contains(&"ups_on_battery"), "{lines:?}");
    let hosts = world.json("/api/hosts").await;
    let host = &hosts["hosts"][0];
    assert_eq!((&host["ups_on_battery"], &host["gpu_busy_ratio"]), (&json!(true), &json!(0.5)));
    assert_eq!((&host["hottest_celsius"], &host["hottest_sensor"]), (&json!(88.0), &json!("coretemp temp1")));
}

/// Both are numbers and about the same.
fn close(a: &Value, b: f64) -> bool {
    a.as_f64().is_some_and(|a| (a - b).abs() < 0.01 * b)
}

#[tokio::test]
async fn power_has_its_price_and_outlives_a_restart() {
    let mut world = World::start().await;
    let mut agent = world.agent("nas1").await;
    publish(&world, &mut agent).await;
    world.until("/api/ups", complete).await;
    for restarted in [false, true] {
        if restarted {
            world.bench.stop_ingest().await;
            let url = world.database.url().to_owned();
            world.bench = Bench::complete(&url, &world.nats).await;
            world.bench.restore(&url).await;
        }
        let known =
            |page: &Value| page["hosts"][0]["basis"] == "ups" && !page["hosts"][0]["energy_kwh"].is_null();
        let page = world.until("/api/power", known).await;
        assert_eq!((&page["price_per_kwh"], &page["currency"]), (&json!(0.4), &json!("EUR")));
        let host = &page["hosts"][0];
        // 20 % of 500 W over a minute; the window goes on to now.
        assert_eq!((&host["watts"], &host["average_watts"]), (&json!(100.0), &json!(100.0)), "{host}");
        assert!(close(&host["energy_kwh"], 6_000.0 / 3.6e6), "{host}");
        let window = host["window_seconds"].as_f64().unwrap();
        let kwh = 6_000.0 / window * 3_600.0 * 730.5 / 3.6e6;
        assert!(close(&host["projected_kwh_per_month"], kwh) && window >= 60.0, "{host}");
        assert!(close(&host["projected_cost_per_month"], kwh * 0.4), "{host}");
        let of = |kind: &str| {
            let sources = host["sources"].as_array().unwrap();
            sources.iter().find(|source| source["kind"] == kind).unwrap_or(&Value::Null).clone()
        };
        assert_eq!((&of("rapl")["watts"], &of("rapl")["counted"]), (&json!(20.0), &json!(false)));
        assert_eq!(of("rapl")["energy_joules_total"], 1_200.0);
        assert_eq!(of("gpu")["average_watts"], 30.0);
    }
}

#[tokio::test]
async fn lists_of_devices_are_paged_and_say_what_is_wrong() {
    let world = World::start().await;
    let mut agent = world.agent("nas1").await;
    publish(&world, &mut agent).await;
    let page = world.json("/api/sensors?limit=1").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(cursor, "nas1:hwmon:platform_coretemp_0");
    let rest = world.json(&format!("/api/sensors?cursor={}", crate::client::encode(cursor))).await;
    assert_eq!((&rest["chips"][0]["id"], &rest["next_cursor"]), (&json!("nas1:ipmi"), &Value::Null));
    assert_eq!(world.json("/api/power?host=none").await["hosts"], json!([]));
    assert_eq!(get(world.bench.address, "/api/gpus?sort=x").await.problem()["status"], 400);
    let bench = Bench::without_database().await;
    for path in ["/api/sensors", "/api/gpus", "/api/ups", "/api/bmc", "/api/power", "/api/containers"] {
        assert_eq!(get(bench.address, path).await.problem()["status"], 503, "{path}");
    }
}
