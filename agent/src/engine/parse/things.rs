//! Images, volumes, networks, and the disk space of everything.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::lenient::{UpTo, cut, lenient};
use super::super::model::{CONTAINERS_MAX, DiskUsage, Image, Network, PARTS_MAX, THINGS_MAX, Volume};
use super::{digest, ms, short};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ImageAnswer {
    #[serde(deserialize_with = "lenient")]
    id: String,
    #[serde(deserialize_with = "lenient")]
    repo_tags: UpTo<String, PARTS_MAX>,
    #[serde(deserialize_with = "lenient")]
    repo_digests: UpTo<String, PARTS_MAX>,
    #[serde(deserialize_with = "lenient")]
    created: i64,
    #[serde(deserialize_with = "lenient")]
    size: i64,
    #[serde(deserialize_with = "lenient")]
    shared_size: Option<i64>,
}

/// Reads `/images/json`.
///
/// # Errors
/// It is no list.
pub(in crate::engine) fn images(bytes: &[u8]) -> Result<Vec<Image>, serde_json::Error> {
    let answers: UpTo<ImageAnswer, THINGS_MAX> = serde_json::from_slice(bytes)?;
    let named = |name: &String| !name.contains("<none>");
    let image = |answer: ImageAnswer| Image {
        id: digest(&answer.id),
        tags: answer.repo_tags.items.into_iter().filter(named).map(short).collect(),
        digests: answer
            .repo_digests
            .items
            .into_iter()
            .filter(|name| !name.starts_with("<none>"))
            .map(short)
            .collect(),
        created_ms: Some(answer.created.saturating_mul(1000)).filter(|&ms| ms > 0),
        size_bytes: u64::try_from(answer.size).unwrap_or(0),
    };
    Ok(answers.items.into_iter().filter(|answer| !answer.id.is_empty()).map(image).collect())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct VolumesAnswer {
    #[serde(deserialize_with = "lenient")]
    volumes: UpTo<VolumeAnswer, THINGS_MAX>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct VolumeAnswer {
    #[serde(deserialize_with = "lenient")]
    name: String,
    #[serde(deserialize_with = "lenient")]
    driver: String,
    #[serde(deserialize_with = "lenient")]
    mountpoint: String,
    #[serde(deserialize_with = "lenient")]
    created_at: String,
    #[serde(deserialize_with = "lenient")]
    usage_data: Option<VolumeUse>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct VolumeUse {
    #[serde(deserialize_with = "lenient")]
    size: Option<i64>,
    #[serde(deserialize_with = "lenient")]
    ref_count: Option<i64>,
}

/// Reads `/volumes`.
///
/// # Errors
/// It is no JSON object.
pub(in crate::engine) fn volumes(bytes: &[u8]) -> Result<Vec<Volume>, serde_json::Error> {
    let answer: VolumesAnswer = serde_json::from_slice(bytes)?;
    let volume = |answer: VolumeAnswer| Volume {
        name: short(answer.name),
        driver: short(answer.driver),
        mountpoint: short(answer.mountpoint),
        created_ms: ms(&answer.created_at),
    };
    Ok(answer.volumes.items.into_iter().filter(|answer| !answer.name.is_empty()).map(volume).collect())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NetAnswer {
    #[serde(rename = "Name", deserialize_with = "lenient")]
    name: String,
    #[serde(rename = "Id", deserialize_with = "lenient")]
    id: String,
    #[serde(rename = "Driver", deserialize_with = "lenient")]
    driver: String,
    #[serde(rename = "Scope", deserialize_with = "lenient")]
    scope: String,
    #[serde(rename = "Internal", deserialize_with = "lenient")]
    internal: bool,
    #[serde(rename = "IPAM", deserialize_with = "lenient")]
    ipam: IpamAnswer,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct IpamAnswer {
    #[serde(deserialize_with = "lenient")]
    config: UpTo<SubnetAnswer, PARTS_MAX>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct SubnetAnswer {
    #[serde(deserialize_with = "lenient")]
    subnet: String,
}

/// Reads `/networks`.
///
/// # Errors
/// It is no list.
pub(in crate::engine) fn networks(bytes: &[u8]) -> Result<Vec<Network>, serde_json::Error> {
    let answers: UpTo<NetAnswer, THINGS_MAX> = serde_json::from_slice(bytes)?;
    let network = |answer: NetAnswer| Network {
        name: short(answer.name),
        id: cut(answer.id, 64),
        driver: short(answer.driver),
        scope: short(answer.scope),
        internal: answer.internal,
        subnets: answer.ipam.config.items.into_iter().map(|part| short(part.subnet)).collect(),
    };
    Ok(answers.items.into_iter().filter(|answer| !answer.name.is_empty()).map(network).collect())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct DiskAnswer {
    #[serde(deserialize_with = "lenient")]
    layers_size: Option<i64>,
    #[serde(deserialize_with = "lenient")]
    images: UpTo<ImageAnswer, THINGS_MAX>,
    #[serde(deserialize_with = "lenient")]
    containers: UpTo<SizeAnswer, CONTAINERS_MAX>,
    #[serde(deserialize_with = "lenient")]
    volumes: UpTo<VolumeAnswer, THINGS_MAX>,
    #[serde(deserialize_with = "lenient")]
    build_cache: UpTo<CacheAnswer, 10_000>,
    #[serde(deserialize_with = "lenient")]
    builder_size: Option<i64>,
    // From version 1.52 of the API on, in place of the lists above.
    #[serde(deserialize_with = "lenient")]
    image_usage: Used<ImageAnswer, THINGS_MAX>,
    #[serde(deserialize_with = "lenient")]
    container_usage: Used<SizeAnswer, CONTAINERS_MAX>,
    #[serde(deserialize_with = "lenient")]
    volume_usage: Used<VolumeAnswer, THINGS_MAX>,
    #[serde(deserialize_with = "lenient")]
    build_cache_usage: Used<CacheAnswer, 10_000>,
}

/// Space that things of one kind take, and which (version 1.52).
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase", bound = "T: DeserializeOwned + Default")]
struct Used<T, const N: usize> {
    #[serde(deserialize_with = "lenient")]
    items: UpTo<T, N>,
    #[serde(deserialize_with = "lenient")]
    total_size: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct SizeAnswer {
    #[serde(deserialize_with = "lenient")]
    id: String,
    #[serde(deserialize_with = "lenient")]
    size_rw: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct CacheAnswer {
    #[serde(deserialize_with = "lenient")]
    size: i64,
    #[serde(deserialize_with = "lenient")]
    shared: bool,
}

/// Reads `/system/df`.
///
/// # Errors
/// It is no JSON object.
pub(in crate::engine) fn disk_usage(bytes: &[u8]) -> Result<DiskUsage, serde_json::Error> {
    let answer: DiskAnswer = serde_json::from_slice(bytes)?;
    // -1 is what an engine says when it has not reckoned.
    let size = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
    let containers = answer.containers.items.into_iter().chain(answer.container_usage.items.items);
    let images = answer.images.items.into_iter().chain(answer.image_usage.items.items);
    let volumes = answer.volumes.items.into_iter().chain(answer.volume_usage.items.items);
    let cache = answer.build_cache.items.iter().filter(|part| !part.shared);
    let cache: u64 = cache.filter_map(|part| size(Some(part.size))).fold(0, u64::saturating_add);
    Ok(DiskUsage {
        layers_bytes: size(answer.layers_size.or(answer.image_usage.total_size)),
        build_cache_bytes: size(answer.build_cache_usage.total_size.or(answer.builder_size))
            .filter(|&bytes| bytes > 0)
            .or(Some(cache)),
        // A container that wrote nothing has no size at all.
        containers: containers.map(|part| (cut(part.id, 64), size(part.size_rw).unwrap_or(0))).collect(),
        images: images.filter_map(|part| Some((digest(&part.id), size(part.shared_size)?))).collect(),
        volumes: volumes
            .map(|part| {
                let used = part.usage_data.unwrap_or_default();
                (short(part.name), (size(used.size), size(used.ref_count)))
            })
            .collect(),
    })
}
