//! A GPU as it is told: what the kernel lists, what NVML says of it, what was known before, put together.

use crate::sys::nvml::{Device, Failure, code};

use super::listed::Listed;

/// How a GPU is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// It answers.
    #[default]
    Ok,
    /// It sleeps, and is not woken.
    Suspended,
    /// It has fallen off the bus, or the driver has given it up.
    Lost,
    /// It must be reset before it can be used again.
    ResetRequired,
    /// It cannot be asked: no permission, no library, another version of the driver.
    Unreadable,
}

impl State {
    /// All words.
    pub(super) const WORDS: [&'static str; 5] = ["ok", "suspended", "lost", "reset_required", "unreadable"];

    /// The word of metric and fact.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Suspended => "suspended",
            Self::Lost => "lost",
            Self::ResetRequired => "reset_required",
            Self::Unreadable => "unreadable",
        }
    }

    /// Whether the GPU itself has failed.
    pub(super) fn has_failed(self) -> bool {
        matches!(self, Self::Lost | Self::ResetRequired)
    }
}

/// A GPU.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    /// As the kernel lists it.
    pub(super) listed: Listed,
    /// What NVML said of it; empty if nothing.
    pub(super) device: Device,
    /// How it is.
    pub(super) state: State,
    /// Why it cannot be read; empty if it can.
    pub(super) reason: String,
}

impl View {
    /// A GPU that is not asked.
    pub(super) fn silent(listed: Listed, state: State, reason: &str) -> Self {
        Self { listed, state, reason: reason.to_owned(), device: Device::default() }
    }

    /// A GPU that was asked.
    pub(super) fn asked(mut listed: Listed, device: Device, driver_version: &str) -> Self {
        if !device.uuid.is_empty() {
            listed.uuid.clone_from(&device.uuid);
        }
        let (state, reason) = match &device.failure {
            None => (State::Ok, String::new()),
            Some(failure) => (state_of(failure), mend(failure, driver_version)),
        };
        Self { listed, device, state, reason }
    }

    /// The identity in labels and facts as nvidia_gpu_exporter writes it: lower case, without `GPU-`; its address as long as it
    /// has not told one.
    pub(super) fn id(&self) -> String {
        match self.listed.uuid.is_empty() {
            true => self.listed.address.clone(),
            false => normalize(&self.listed.uuid),
        }
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        let name = self.device.texts.get("name").unwrap_or(&self.listed.model);
        if name.is_empty() { "NVIDIA GPU" } else { name }
    }

    /// A number of NVML.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.device.numbers.get(name).copied()
    }

    /// A text of NVML.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.device.texts.get(name).map(String::as_str)
    }
}

/// An identity of NVML as labels carry it.
pub(super) fn normalize(uuid: &str) -> String {
    let lower = uuid.trim().to_ascii_lowercase();
    lower.strip_prefix("gpu-").or_else(|| lower.strip_prefix("mig-")).unwrap_or(&lower).to_owned()
}

fn state_of(failure: &Failure) -> State {
    match failure.code {
        code::GPU_IS_LOST => State::Lost,
        code::RESET_REQUIRED => State::ResetRequired,
        _ => State::Unreadable,
    }
}

/// What is the matter, and what mends it.
pub(super) fn mend(failure: &Failure, driver_version: &str) -> String {
    let text = &failure.text;
    match failure.code {
        code::LIB_RM_VERSION_MISMATCH => format!(
            "the driver was updated: the kernel still has version {driver_version}, the library is newer or older; reboot, or stop \
             what uses the GPU (this agent too) and load the kernel modules of the driver again"
        ),
        code::DRIVER_NOT_LOADED | code::UNINITIALIZED => {
            format!("the driver does not answer ({text}); load its kernel modules (modprobe nvidia) or reboot")
        }
        code::LIBRARY_NOT_FOUND => format!(
            "libnvidia-ml.so.1 cannot be loaded ({text}); install the part of the driver that brings it (libnvidia-ml1, \
             nvidia-utils, nvidia-driver-cuda-libs), of the version of the kernel module, {driver_version}"
        ),
        code::NO_PERMISSION => format!("no permission ({text}); the unit needs what systemd/hi-agent-gpu.conf grants"),
        code::GPU_IS_LOST => "it has fallen off the bus: the kernel's log has the Xid and what came before; look at power, cables \
                              and heat, then reboot"
            .to_owned(),
        code::RESET_REQUIRED => "it must be reset before it can be used: stop what uses it, nvidia-smi --gpu-reset, or reboot".to_owned(),
        _ => text.clone(),
    }
}
