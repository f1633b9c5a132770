//! Missing batches: asked for, repaired, or shown as lost.

use std::sync::{Arc, Mutex};

use futures::StreamExt;
use hi_common::subject;
use hi_common::wire::{decode, encode};
use hi_harness::{BOUND, wait_for};
use serde::{Deserialize, Serialize};

use crate::support::{Agent, Collector, Setup};

#[derive(Debug, Deserialize)]
struct Request {
    epoch: u64,
    from: u64,
    to: u64,
    with_series: bool,
}

#[derive(Serialize)]
struct Reply {
    queued: u64,
    lost: Vec<(u64, u64)>,
}

/// Answers like an agent that still has some batches, given with what they are to be published as.
async fn answer(setup: &Setup, agent: &Agent, have: Vec<(u64, Vec<u8>)>) -> Arc<Mutex<Vec<Request>>> {
    let client = async_nats::connect(setup.nats.url()).await.unwrap();
    let mut requests = client.subscribe(subject::command(&agent.name, subject::VERB_RESEND)).await.unwrap();
    client.flush().await.unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let metrics = subject::metrics(&agent.name);
    tokio::spawn(async move {
        while let Some(message) = requests.next().await {
            let request: Request = decode(&message.payload).unwrap();
            let wanted = |seq: u64| (request.from..=request.to).contains(&seq);
            let again: Vec<_> = have.iter().filter(|(seq, _)| wanted(*seq)).cloned().collect();
            let lost = (request.from..=request.to).filter(|seq| again.iter().all(|(have, _)| have != seq));
            let reply = Reply { queued: again.len() as u64, lost: lost.map(|seq| (seq, seq)).collect() };
            client.publish(message.reply.unwrap(), encode(&reply).unwrap().into()).await.unwrap();
            for (_, payload) in again {
                client.publish(metrics.clone(), payload.into()).await.unwrap();
            }
            seen.lock().unwrap().push(request);
        }
    });
    asked
}

async fn gap_states(collector: &Collector) -> Vec<(i64, i64, String)> {
    let mut gaps = collector.store.gaps(50).await.unwrap();
    gaps.sort_by_key(|gap| gap.from_seq);
    gaps.into_iter().map(|gap| (gap.from_seq, gap.to_seq, gap.state)).collect()
}

#[tokio::test]
async fn a_gap_is_asked_for_and_closed() {
    let setup = Setup::new().await;
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    nas.send(3).await;
    // 4, 5 and 6 never reach the broker; the agent still has 4 and 5.
    for _ in 0..3 {
        nas.next();
    }
    nas.send(2).await;
    let have = [4, 5].map(|seq| (seq, nas.payloads[&(nas.epoch, seq)].clone())).to_vec();
    let asked = answer(&setup, &nas, have).await;
    nas.forget(6, 6);
    collector.taken(7).await;
    wait_for("closed gaps", BOUND, || async {
        let states = gap_states(&collector).await;
        let open = collector.ingest.stats().cursor.gaps_open;
        (open == 0 && !states.is_empty() && states.iter().all(|(.., state)| state != "open")).then_some(())
    })
    .await;
    assert!(asked.lock().unwrap().iter().all(|r| r.epoch == nas.epoch && r.with_series));
    let stats = collector.ingest.stats().cursor;
    assert_eq!((stats.gaps_open, stats.batches_lost_total), (0, 1));
    let states = gap_states(&collector).await;
    assert!(states.contains(&(6, 6, "lost".to_owned())), "{states:?}");
    let events = collector.store.events(&Default::default(), 10).await.unwrap();
    assert!(events.iter().any(|event| event.kind == "data_lost" && event.data["from"] == "6"));
    collector.flush().await;
    setup.assert_stored_once(&[&nas]).await;
    collector.stop();
}

#[tokio::test]
async fn an_announced_loss_moves_the_cursor_on() {
    let setup = Setup::new().await;
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    nas.send(2).await;
    nas.next();
    nas.next();
    let lost = nas.forget(3, 4);
    let mut batch = nas.next();
    batch.lost = vec![lost];
    nas.publish(&batch).await;
    collector.taken(3).await;
    wait_for("the loss", BOUND, || async {
        (gap_states(&collector).await == [(3, 4, "lost".to_owned())]).then_some(())
    })
    .await;
    assert_eq!(collector.ingest.stats().cursor.batches_lost_total, 2);
    // What was announced as lost and comes all the same is not taken: the cursor has moved on.
    collector.flush().await;
    setup.assert_stored_once(&[&nas]).await;
    collector.stop();
}

#[tokio::test]
async fn a_batch_with_an_unknown_layout_is_asked_for_with_its_series() {
    let setup = Setup::new().await;
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    let first = nas.next_with(true);
    nas.publish(&nas_without_series(&first)).await;
    nas.send(2).await;
    // The agent sends the first again with its series; the others it sends as they were.
    let have = (1..=3).map(|seq| (seq, nas.payloads[&(nas.epoch, seq)].clone())).collect();
    let asked = answer(&setup, &nas, have).await;
    collector.taken(3).await;
    assert!(!asked.lock().unwrap().is_empty());
    collector.flush().await;
    setup.assert_stored_once(&[&nas]).await;
    // Known from the database after a restart.
    collector.stop();
    let collector = setup.start();
    nas.send(1).await;
    collector.taken(1).await;
    collector.stop();
    setup.assert_stored_once(&[&nas]).await;
}

fn nas_without_series(batch: &hi_common::batch::Batch) -> hi_common::batch::Batch {
    let mut batch = batch.clone();
    batch.readings[0].series = None;
    batch
}
