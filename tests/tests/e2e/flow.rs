//! Batches that flow while something happens.

use std::ops::RangeInclusive;
use std::sync::Arc;

use hi_common::ids::Seq;
use hi_e2e::collector::PATIENCE;
use hi_e2e::oracle::Samples;
use hi_e2e::publish::{Publisher, Responder};
use hi_e2e::sim::{Fleet, Shape};
use hi_e2e::stack::Stack;
use hi_harness::wait_until;

/// A stack with simulated agents that publish to it and answer `resend`.
pub(crate) struct Flow {
    pub(crate) stack: Stack,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) publisher: Publisher,
    pub(crate) responder: Responder,
}

impl Flow {
    /// Starts a stack, and a fleet of so many hosts whose first `batches` batches lie in the past.
    pub(crate) async fn start(settings: &[(&str, &str)], hosts: u32, batches: u64) -> Self {
        let stack = Stack::start(settings).await.unwrap();
        let shape = Shape { hosts, series: 40, ..Shape::default() }.ending_at(now_ms(), batches);
        let fleet = Arc::new(Fleet::new(shape).unwrap());
        let publisher = Publisher::connect(&stack.nats.url(), Arc::clone(&fleet)).await.unwrap();
        let responder = Responder::start(publisher.clone(), |_| true).await.unwrap();
        Self { stack, fleet, publisher, responder }
    }

    /// Publishes these batches of every host, and runs `fault` once half of them are acknowledged.
    pub(crate) async fn publish_during(
        &mut self,
        seqs: RangeInclusive<Seq>,
        fault: impl AsyncFnOnce(&mut Stack),
    ) {
        let hosts = u64::from(self.fleet.shape().hosts);
        let half = self.publisher.acknowledged().len() as u64 + (seqs.end() - seqs.start()) * hosts / 2;
        let publisher = self.publisher.clone();
        let publishing = tokio::spawn(async move { publisher.publish_all(seqs).await });
        wait_until("half of the batches are published", PATIENCE, || {
            self.publisher.acknowledged().len() as u64 >= half
        })
        .await;
        fault(&mut self.stack).await;
        publishing.await.unwrap();
    }

    /// Names of the hosts.
    pub(crate) fn hosts(&self) -> Vec<String> {
        (0..self.fleet.shape().hosts).map(|host| self.fleet.name(host).to_string()).collect()
    }

    /// The oracle over these batches of every host.
    pub(crate) async fn expect_conserved(&mut self, seqs: RangeInclusive<Seq>) {
        let want = self.fleet.expect_all(seqs);
        self.expect_samples(&want).await;
    }

    /// The oracle over any samples.
    pub(crate) async fn expect_samples(&mut self, want: &Samples) {
        let hosts = self.hosts();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        self.stack.expect_conserved(&hosts, want).await;
    }

    /// Waits until the API shows these batches of every host.
    pub(crate) async fn expect_readable(&self, seqs: RangeInclusive<Seq>) {
        let hosts = self.hosts();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        self.stack.expect_readable(&hosts, &self.fleet.expect_all(seqs)).await;
    }
}

pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}
