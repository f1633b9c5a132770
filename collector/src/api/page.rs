//! Pages of the things of all hosts.

use super::params::Params;
use super::problem::Problem;
use super::state::App;
use crate::moment::now_ms;
use crate::overview::directory::Directory;
use crate::overview::summary::Known;

/// Things of a page when no limit is given.
pub const PAGE: usize = 500;
/// Most things of a page.
pub const PAGE_MAX: usize = 1000;

/// One page of the things of all hosts, in the order of their ids, by the parameters `host`, `limit` and `cursor`.
///
/// # Errors
/// Wrong parameters; nothing was ever read of the database.
pub async fn page<T>(
    app: &App,
    params: Params,
    of: impl Fn(&Known<'_>) -> Vec<T>,
    id: impl Fn(&T) -> &String,
) -> Result<(Vec<T>, Option<String>), Problem> {
    let params = params.only(&["host", "limit", "cursor"])?;
    let directory = app.directory.get().await;
    let things = app.overview.each(&directory, &app.ingest, params.get("host"), now_ms(), of);
    let things: Vec<T> = things.into_iter().flatten().collect();
    known(&directory, things.is_empty())?;
    cut(things, &params, id)
}

/// Refuses an answer of nothing when nothing was ever read.
///
/// # Errors
/// The database was away from the beginning.
pub fn known(directory: &Directory, empty: bool) -> Result<(), Problem> {
    match &directory.error {
        Some(error) if empty && directory.hosts.is_empty() => {
            Err(Problem::unavailable(format!("what the hosts have cannot be read: {error}")))
        }
        _ => Ok(()),
    }
}

/// Sorts by id and cuts the page that `limit` and `cursor` ask for.
///
/// # Errors
/// A limit that is none.
pub fn cut<T>(
    mut things: Vec<T>,
    params: &Params,
    id: impl Fn(&T) -> &String,
) -> Result<(Vec<T>, Option<String>), Problem> {
    let limit = params.limit(PAGE, PAGE_MAX)?;
    things.sort_by(|a, b| id(a).cmp(id(b)));
    if let Some(after) = params.get("cursor") {
        things.retain(|thing| id(thing).as_str() > after);
    }
    let more = things.len() > limit;
    things.truncate(limit);
    let next_cursor = things.last().filter(|_| more).map(|thing| id(thing).clone());
    Ok((things, next_cursor))
}
