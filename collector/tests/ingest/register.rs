//! Layouts that are new are registered together: as if one came after the other, but in few transactions.

use hi_common::metric::Kind;
use hi_harness::{BOUND, wait_for};

use crate::support::{Agent, Setup};

/// Transactions that wrote the layouts: each row knows the one it comes from.
const TRANSACTIONS: &str = "SELECT count(DISTINCT xmin::text) FROM layout";

/// Agents with a batch each in the stream, which the collector cannot take yet: the database refuses to be written.
async fn waiting(setup: &Setup, agents: usize) -> Vec<Agent> {
    setup.read_only(true).await;
    let mut all = Vec::new();
    for n in 0..agents {
        let mut agent = Agent::new(setup, &format!("host{n}")).await;
        agent.send(1).await;
        all.push(agent);
    }
    all
}

#[tokio::test]
async fn layouts_that_come_together_are_registered_together() {
    let setup = Setup::new().await;
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    nas.send(1).await;
    collector.taken(1).await;

    let mut agents = waiting(&setup, 40).await;
    wait_for("the error shown", BOUND, || async { collector.ingest.stats().flush.last_error }).await;
    // What more may come among them: another layout of the same host, a known one without its series, doubles.
    agents[3].families.pop();
    let other = agents[3].next_with(true);
    agents[3].publish(&other).await;
    agents[4].send(2).await;
    let again = agents[5].next_with(true);
    agents[5].publish_as(&again, "one").await;
    agents[5].publish_as(&again, "two").await;
    nas.send(1).await;
    setup.read_only(false).await;

    collector.taken(46).await;
    let transactions = setup.count("SELECT count(DISTINCT xmin::text) FROM host").await;
    assert!(transactions <= 6, "{transactions} transactions for 41 hosts");
    collector.flush().await;
    setup.assert_stored_once(&agents.iter().chain([&nas]).collect::<Vec<_>>()).await;
    assert_eq!(setup.count("SELECT count(*) FROM layout").await, 42);
    assert_eq!(setup.count("SELECT count(*) FROM series").await, 41 * 10);
    let counted = "SELECT count(*) FROM layout WHERE series_count <> cardinality(series) OR 0 = ANY(series)";
    assert_eq!(setup.count(counted).await, 0);
    let transactions = setup.count(TRANSACTIONS).await;
    assert!(transactions <= 6, "{transactions} transactions for 42 layouts");
    assert_eq!(collector.ingest.stats().duplicates_total, 1);
    collector.stop();
}

#[tokio::test]
async fn limits_and_kinds_are_as_if_one_layout_came_after_the_other() {
    let mut setup = Setup::new().await;
    setup.options.series_per_host_max = 12;
    let collector = setup.start();
    setup.streams().await;
    let mut agents = waiting(&setup, 3).await;
    wait_for("the error shown", BOUND, || async { collector.ingest.stats().flush.last_error }).await;
    // The host has ten series: of four more two are refused. Another one calls the load a counter.
    agents[1].families[0].rows.extend((4..8).map(|i| vec![format!("cpu{i}"), "x".to_owned()]));
    let wide = agents[1].next_with(true);
    agents[1].publish(&wide).await;
    agents[2].families[1].kind = Kind::Counter;
    let counting = agents[2].next_with(true);
    agents[2].publish(&counting).await;
    setup.read_only(false).await;

    collector.taken(5).await;
    collector.flush().await;
    let counts: Vec<i64> = collector.store.series_counts().await.unwrap().iter().map(|(_, n)| *n).collect();
    assert_eq!(counts, [10, 12, 10]);
    let refused = collector.ingest.stats().refused;
    assert_eq!((refused.len(), refused[0].count), (1, 2), "{refused:?}");
    let kinds = "SELECT count(*) FROM series s JOIN metric m ON m.id = s.metric_id JOIN host h ON h.id = s.host_id
                 WHERE m.name = 'node_load1' AND m.kind = 'counter' AND (s.kind = 'counter') = (h.name = 'host2')";
    assert_eq!(setup.count(kinds).await, 3, "the metric is what was said last, a series what its host said");
    let told = "SELECT count(*) FROM event WHERE type = 'metric_kind_changed' AND message = 'node_load1 was a gauge and is a counter now'";
    assert_eq!(setup.count(told).await, 1);
    for samples in agents[1].sent.values_mut() {
        samples.retain(|(_, series, ..)| !["cpu6", "cpu7"].iter().any(|cpu| series.contains(cpu)));
    }
    setup.assert_stored_once(&agents.iter().collect::<Vec<_>>()).await;
    collector.stop();
}
