//! Containers travel in parts: a container that comes or goes changes the list of series of its part alone, and a message stays
//! small however many there are.

/// Names of the parts, as readings carry them in place of the source's.
const PARTS: [&str; 64] = [
    "docker-00",
    "docker-01",
    "docker-02",
    "docker-03",
    "docker-04",
    "docker-05",
    "docker-06",
    "docker-07",
    "docker-08",
    "docker-09",
    "docker-10",
    "docker-11",
    "docker-12",
    "docker-13",
    "docker-14",
    "docker-15",
    "docker-16",
    "docker-17",
    "docker-18",
    "docker-19",
    "docker-20",
    "docker-21",
    "docker-22",
    "docker-23",
    "docker-24",
    "docker-25",
    "docker-26",
    "docker-27",
    "docker-28",
    "docker-29",
    "docker-30",
    "docker-31",
    "docker-32",
    "docker-33",
    "docker-34",
    "docker-35",
    "docker-36",
    "docker-37",
    "docker-38",
    "docker-39",
    "docker-40",
    "docker-41",
    "docker-42",
    "docker-43",
    "docker-44",
    "docker-45",
    "docker-46",
    "docker-47",
    "docker-48",
    "docker-49",
    "docker-50",
    "docker-51",
    "docker-52",
    "docker-53",
    "docker-54",
    "docker-55",
    "docker-56",
    "docker-57",
    "docker-58",
    "docker-59",
    "docker-60",
    "docker-61",
    "docker-62",
    "docker-63",
];

/// Number of parts.
pub(super) const COUNT: usize = PARTS.len();

/// The part that a container lies in, by the id of its fact: always the same.
pub(super) fn of(shown: &str) -> usize {
    usize::try_from(xxhash_rust::xxh3::xxh3_64(shown.as_bytes()) % COUNT as u64).unwrap_or(0)
}

/// Name of a part.
pub(super) fn name(part: usize) -> &'static str {
    PARTS.get(part).copied().unwrap_or("docker")
}
