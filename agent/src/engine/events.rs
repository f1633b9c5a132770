//! A line of the event stream (`/events`), made a happening; and what must have happened between two lists. Pure.

use serde::Deserialize;

use super::lenient::{cut, lenient};
use super::model::{Container, Happening, TEXT_BYTES_MAX, What};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    #[serde(rename = "Type", deserialize_with = "lenient")]
    kind: String,
    #[serde(rename = "Action", deserialize_with = "lenient")]
    action: String,
    #[serde(rename = "Actor", deserialize_with = "lenient")]
    actor: Actor,
    /// Engines before API 1.22 have these three alone; newer ones have them as well, until 1.51.
    #[serde(deserialize_with = "lenient")]
    status: String,
    #[serde(deserialize_with = "lenient")]
    id: String,
    #[serde(deserialize_with = "lenient")]
    from: String,
    #[serde(deserialize_with = "lenient")]
    time: i64,
    #[serde(rename = "timeNano", deserialize_with = "lenient")]
    time_nano: i64,
    /// Podman's own word for the health, beside the action `health_status`.
    #[serde(rename = "HealthStatus", deserialize_with = "lenient")]
    health: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Actor {
    #[serde(rename = "ID", deserialize_with = "lenient")]
    id: String,
    #[serde(rename = "Attributes", deserialize_with = "lenient")]
    attributes: Attributes,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attributes {
    #[serde(deserialize_with = "lenient")]
    name: String,
    #[serde(deserialize_with = "lenient")]
    image: String,
    #[serde(rename = "exitCode", deserialize_with = "lenient")]
    exit_code: String,
    /// Podman's.
    #[serde(rename = "containerExitCode", deserialize_with = "lenient")]
    container_exit_code: String,
    #[serde(deserialize_with = "lenient")]
    signal: String,
    #[serde(rename = "oldName", deserialize_with = "lenient")]
    old_name: String,
    #[serde(deserialize_with = "lenient")]
    health_status: String,
}

/// What a line says; `None` when it is about something else than a container, or changes nothing that is known of one.
///
/// # Errors
/// It is no JSON object.
pub(super) fn happening(line: &[u8]) -> Result<Option<Happening>, serde_json::Error> {
    if !line.trim_ascii_start().starts_with(b"{") {
        return Err(serde::de::Error::custom("no JSON object"));
    }
    let line: Line = serde_json::from_slice(line)?;
    let (action, id) = match line.kind.as_str() {
        "" if !line.status.is_empty() => (line.status, line.id),
        "container" => (line.action, line.actor.id),
        _ => return Ok(None),
    };
    let attributes = line.actor.attributes;
    let (word, rest) =
        action.split_once(':').map_or((action.as_str(), ""), |(word, rest)| (word, rest.trim()));
    let first = |texts: [String; 2]| texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    let (what, detail) = match word {
        "create" => (What::Created, String::new()),
        "start" => (What::Started, String::new()),
        "die" | "died" => (What::Died, first([attributes.exit_code, attributes.container_exit_code])),
        "kill" => (What::Signalled, attributes.signal),
        "oom" => (What::OutOfMemory, String::new()),
        "health_status" => {
            let words = [rest.to_owned(), first([attributes.health_status, line.health])];
            (What::Health, first(words).to_lowercase())
        }
        "pause" => (What::Paused, String::new()),
        "unpause" => (What::Unpaused, String::new()),
        "rename" => (What::Renamed, attributes.old_name.trim_start_matches('/').to_owned()),
        "destroy" | "remove" => (What::Destroyed, String::new()),
        "update" | "restart" | "stop" => (What::Changed, String::new()),
        // Attaching, copying, executing (each health check does): nothing of the container is another than before.
        _ => return Ok(None),
    };
    if id.is_empty() {
        return Ok(None);
    }
    let at_ms = if line.time_nano > 0 { line.time_nano / 1_000_000 } else { line.time.saturating_mul(1000) };
    Ok(Some(Happening {
        what,
        at_ms,
        id: cut(id, 64),
        name: cut(attributes.name.trim_start_matches('/').to_owned(), TEXT_BYTES_MAX),
        image: cut(first([attributes.image, line.from]), TEXT_BYTES_MAX),
        detail: cut(detail, TEXT_BYTES_MAX),
    }))
}

/// What must have happened while nobody listened, between how a container was and how it is.
pub(super) fn missed(before: Option<&Container>, now: Option<&Container>, at_ms: i64) -> Vec<Happening> {
    let mut found = Vec::new();
    let mut tell = |of: &Container, what: What, at_ms: i64, detail: String| {
        let (id, name, image) = (of.id.clone(), of.name.clone(), of.image.clone());
        found.push(Happening { what, at_ms, id, name, image, detail });
    };
    match (before, now) {
        (Some(before), None) => {
            if before.is_running() {
                tell(before, What::Died, at_ms, String::new());
            }
            tell(before, What::Destroyed, at_ms, String::new());
        }
        (None, Some(now)) => {
            tell(now, What::Created, now.created_ms.unwrap_or(at_ms), String::new());
            if now.is_running() {
                tell(now, What::Started, now.started_ms.unwrap_or(at_ms), String::new());
            }
        }
        (Some(before), Some(now)) => {
            if before.name != now.name {
                tell(now, What::Renamed, at_ms, before.name.clone());
            }
            if now.oom_killed && !before.oom_killed {
                tell(now, What::OutOfMemory, now.finished_ms.unwrap_or(at_ms), String::new());
            }
            let restarted = before.started_ms != now.started_ms && now.started_ms.is_some();
            if before.is_running() && (restarted || !now.is_running()) {
                let code = now.exit_code.map(|code| code.to_string()).unwrap_or_default();
                tell(now, What::Died, now.finished_ms.unwrap_or(at_ms), code);
            }
            if restarted {
                tell(now, What::Started, now.started_ms.unwrap_or(at_ms), String::new());
            }
            if before.health != now.health && !now.health.is_empty() && now.is_running() {
                tell(now, What::Health, at_ms, now.health.clone());
            }
            match (before.state.as_str(), now.state.as_str()) {
                ("running", "paused") => tell(now, What::Paused, at_ms, String::new()),
                ("paused", "running") if !restarted => tell(now, What::Unpaused, at_ms, String::new()),
                _ => {}
            }
        }
        (None, None) => {}
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(line: &str) -> Option<(What, String, String)> {
        let found = happening(line.as_bytes()).unwrap()?;
        Some((found.what, found.name, found.detail))
    }

    #[test]
    fn lines_of_docker_podman_and_old_engines_are_understood() {
        let docker = |action: &str, more: &str| {
            format!(
                r#"{{"status":"x","id":"ab","from":"i","Type":"container","Action":"{action}","Actor":{{"ID":"ab","Attributes":{{"image":"i","name":"web"{more}}}}},"time":1,"timeNano":1795197148538879266}}"#
            )
        };
        let web = |what, detail: &str| Some((what, "web".to_owned(), detail.to_owned()));
        assert_eq!(read(&docker("die", r#","exitCode":"137""#)), web(What::Died, "137"));
        assert_eq!(read(&docker("health_status: unhealthy", "")), web(What::Health, "unhealthy"));
        assert_eq!(read(&docker("rename", r#","oldName":"/old""#)), web(What::Renamed, "old"));
        assert_eq!(read(&docker("kill", r#","signal":"15""#)), web(What::Signalled, "15"));
        assert_eq!(read(&docker("exec_create: /bin/sh -c true", "")), None);
        assert_eq!(happening(docker("oom", "").as_bytes()).unwrap().unwrap().at_ms, 1_795_197_148_538);
        let podman = r#"{"Type":"container","Action":"died","Actor":{"ID":"ab","Attributes":{"name":"web","containerExitCode":"3"}},"time":7}"#;
        assert_eq!(read(podman), web(What::Died, "3"));
        let old = r#"{"status":"start","id":"ab","from":"busybox:latest","time":7}"#;
        assert_eq!(read(old), Some((What::Started, String::new(), String::new())));
        assert_eq!(read(r#"{"Type":"image","Action":"pull","Actor":{"ID":"x"}}"#), None);
        assert!(happening(b"[1]").is_err() && happening(b"nonsense").is_err());
    }

    fn container(state: &str, started: i64) -> Container {
        let started_ms = Some(started).filter(|&ms| ms > 0);
        Container {
            id: "ab".into(),
            name: "web".into(),
            state: state.into(),
            started_ms,
            ..Container::default()
        }
    }

    fn whats(before: Option<&Container>, now: Option<&Container>) -> Vec<What> {
        missed(before, now, 99).into_iter().map(|found| found.what).collect()
    }

    #[test]
    fn what_was_missed_shows_in_the_difference() {
        let (runs, ended) = (container("running", 5), container("exited", 5));
        assert_eq!(whats(Some(&runs), Some(&runs)), []);
        assert_eq!(whats(Some(&runs), Some(&ended)), [What::Died]);
        assert_eq!(whats(Some(&ended), Some(&container("running", 7))), [What::Started]);
        assert_eq!(whats(Some(&runs), Some(&container("running", 7))), [What::Died, What::Started]);
        assert_eq!(whats(Some(&runs), None), [What::Died, What::Destroyed]);
        assert_eq!(whats(None, Some(&runs)), [What::Created, What::Started]);
        assert_eq!(whats(Some(&runs), Some(&container("paused", 5))), [What::Paused]);
        let sick =
            Container { health: "unhealthy".into(), oom_killed: true, name: "new".into(), ..runs.clone() };
        assert_eq!(whats(Some(&runs), Some(&sick)), [What::Renamed, What::OutOfMemory, What::Health]);
    }

    proptest! {
        #[test]
        fn no_line_panics(line in prop::collection::vec(any::<u8>(), 0..80), action in "\\PC{0,20}") {
            let _ = happening(&line);
            let text = serde_json::json!({"Type": "container", "Action": action, "Actor": {"ID": "x"}}).to_string();
            prop_assert!(happening(text.as_bytes()).is_ok());
        }
    }
}
