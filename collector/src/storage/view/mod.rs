//! What is shown of storage: the shapes that the API answers with.

mod disk;
mod whole;

use serde::Serialize;
use utoipa::ToSchema;

use crate::moment::Time;

pub use disk::{
    StorageAttribute, StorageChange, StorageChangeEvent, StorageController, StorageDisk, StorageDiskDetail,
    StorageFieldChange, StoragePlace, StorageReading,
};
pub use whole::{
    StorageArray, StorageDataset, StorageMember, StoragePool, StoragePoolType, StorageScan, StorageVdev,
};

/// How a thing is, as the collector judges it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StorageState {
    /// Nothing is wrong.
    #[default]
    Ok,
    /// Nothing is known of its health.
    Unknown,
    /// Something goes on that is worth knowing.
    Info,
    /// Needs attention soon.
    Warning,
    /// Needs attention now.
    Critical,
}

/// What was found.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StorageFinding {
    /// How bad it is.
    pub state: StorageState,
    /// In words, to be read behind the name of the thing.
    pub message: String,
    /// Since when, as far as that is known; else when it was read.
    pub since: Time,
}
