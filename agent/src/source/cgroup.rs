//! Which container a process is in, by the path of its cgroup (proc_pid_cgroup(5)).

/// Length of the id of a container of Docker, Podman, containerd and CRI-O.
const ID_CHARS: usize = 64;

/// The container's id in the text of `/proc/<pid>/cgroup`, of either version: 64 hexadecimal digits of Docker, Podman and
/// Kubernetes, the number or name of an LXC container; `None` outside of containers.
pub fn container_of(text: &str) -> Option<&str> {
    text.lines().filter_map(|line| line.splitn(3, ':').nth(2)).find_map(in_path)
}

/// `/system.slice/docker-<id>.scope`, `/docker/<id>`, `/…/libpod-<id>.scope/container`, `/lxc/101/ns`, `/lxc.payload.web`.
fn in_path(path: &str) -> Option<&str> {
    let mut found = None;
    let mut before = "";
    for part in path.split('/') {
        let name = part.strip_suffix(".scope").unwrap_or(part);
        let id = name.rsplit_once(['-', ':']).map_or(name, |(_, id)| id);
        if id.len() == ID_CHARS && id.bytes().all(|b| b.is_ascii_hexdigit()) {
            // The innermost of containers in containers.
            found = Some(id);
        } else if before == "lxc" && !part.is_empty() {
            found = Some(part);
        } else if let Some(name) = part.strip_prefix("lxc.payload.") {
            found = Some(name);
        }
        before = part;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_container_is_found_in_every_manner_of_path() {
        let id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        for path in [
            format!("0::/system.slice/docker-{id}.scope"),
            format!("12:cpu,cpuacct:/docker/{id}\n0::/"),
            format!(
                "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{id}.scope/container"
            ),
            format!("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"),
            format!("0::/kubepods/burstable/pod1/{id}"),
            format!("0::/system.slice/containerd.service/kubepods-besteffort-pod1.slice:cri-containerd:{id}"),
        ] {
            assert_eq!(container_of(&path), Some(id), "{path}");
        }
        assert_eq!(container_of("0::/lxc/101/ns/system.slice/cron.service"), Some("101"));
        assert_eq!(container_of("0::/lxc.payload.web/init.scope"), Some("web"));
        for path in [
            "0::/system.slice/ssh.service",
            "0::/",
            "",
            "garbage",
            "0::/user.slice/user-1000.slice/session-3.scope",
        ] {
            assert_eq!(container_of(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "([0-9a-f:/.-]{0,70}|lxc/|lxc.payload.|é|\n){0,9}") {
            container_of(&text);
        }
    }
}
