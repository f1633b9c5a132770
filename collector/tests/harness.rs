//! The harness itself: servers start, die, come back, and end with the test.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use hi_harness::{BOUND, Database, NatsServer, Postgres, Proxy, wait_until};
use sqlx::Connection;

#[tokio::test]
async fn servers_come_and_go() {
    let database = Database::fresh().await.unwrap();
    let proxy = Proxy::start(database.address()).await.unwrap();
    let url = database.url_through(proxy.address());
    let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
    let hosts: i64 =
        sqlx::query_scalar("SELECT count(*) FROM host").fetch_one(&mut connection).await.unwrap();
    assert_eq!(hosts, 0);
    proxy.cut();
    assert!(sqlx::query("SELECT 1").execute(&mut connection).await.is_err());
    assert!(sqlx::PgConnection::connect(&url).await.is_err());
    proxy.restore();
    assert!(sqlx::PgConnection::connect(&url).await.is_ok());

    let mut nats = NatsServer::start_with_login("a", "b").unwrap();
    let pid = nats.pid().unwrap();
    nats.kill();
    wait_until("its end", BOUND, || !std::path::Path::new(&format!("/proc/{pid}")).exists()).await;
    nats.restart().unwrap();
    let options = async_nats::ConnectOptions::with_user_and_password("a".into(), "b".into());
    options.connect(nats.url()).await.unwrap();
}

#[tokio::test]
async fn a_killed_postgres_comes_back_with_its_data() {
    let mut postgres = Postgres::start().await.unwrap();
    let database = postgres.database().await.unwrap();
    postgres.kill();
    postgres.restart().unwrap();
    let connect = || async { sqlx::PgConnection::connect(database.url()).await.ok() };
    hi_harness::wait_for("the database", BOUND, connect).await;
}
