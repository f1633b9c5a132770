//! The GPUs: what moves is read each time, what hardly ever changes once a minute.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nvml_wrapper::enums::device::SampleValue;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device as Handle, Nvml};

use super::Wish;
use super::reading::{Device, Failure, Reading};
use super::watch::Watch;

/// How often is asked what hardly ever changes: names, limits, counts of errors in places.
const SLOW: Duration = Duration::from_secs(60);

/// Reads all GPUs, and remembers what hardly ever changes.
pub(super) struct Reader<'nvml> {
    nvml: &'nvml Nvml,
    watch: Option<Watch<'nvml>>,
    slow: BTreeMap<String, (Instant, Device)>,
}

impl<'nvml> Reader<'nvml> {
    pub(super) fn new(nvml: &'nvml Nvml) -> Self {
        Self { nvml, watch: None, slow: BTreeMap::new() }
    }

    /// Reads the GPUs that are wished for into `reading`.
    ///
    /// # Errors
    /// The driver is not there any more, or is another one than the library's.
    pub(super) fn read(&mut self, wish: &Wish, reading: &mut Reading) -> Result<(), Failure> {
        let count = self.nvml.device_count()?;
        let mut handles = Vec::new();
        for address in &wish.addresses {
            let (device, handle) = self.device(address, count, wish.pcie_throughput);
            if let Some(failure) = device.failure.as_ref().filter(|failure| failure.is_of_driver()) {
                return Err(failure.clone());
            }
            handles.extend(handle.map(|handle| (handle, device.uuid.clone())));
            reading.devices.push(device);
        }
        self.slow.retain(|address, _| wish.addresses.contains(address));
        if !self.watch.as_ref().is_some_and(|watch| watch.is_of(&wish.addresses)) {
            self.watch = Watch::new(self.nvml, &wish.addresses, &handles);
        }
        if let Some(watch) = &self.watch {
            watch.take(&mut reading.xids);
        }
        Ok(())
    }

    fn device(&mut self, address: &str, count: u32, throughput: bool) -> (Device, Option<Handle<'nvml>>) {
        let known = self.slow.get(address).filter(|(at, _)| at.elapsed() < SLOW).cloned();
        let handle = match self.nvml.device_by_pci_bus_id(address) {
            Ok(handle) => handle,
            Err(error) => {
                let failure = Some(error.into());
                return (Device { pci_address: address.to_owned(), failure, ..Device::default() }, None);
            }
        };
        let fresh = known.is_none();
        let device = known.map_or_else(Device::default, |(_, device)| device);
        let mut sink = Sink { handle: &handle, device: Device { pci_address: address.to_owned(), ..device } };
        if fresh {
            sink.slow(count);
            if sink.device.failure.is_none() {
                self.slow.insert(address.to_owned(), (Instant::now(), sink.device.clone()));
            }
        }
        sink.moving();
        if throughput {
            sink.throughput();
        }
        (sink.device, Some(handle))
    }
}

/// Where the values of a GPU go.
pub(super) struct Sink<'a, 'nvml> {
    pub(super) handle: &'a Handle<'nvml>,
    pub(super) device: Device,
}

pub(super) type Answer<T> = Result<T, NvmlError>;

impl Sink<'_, '_> {
    /// What moves, unless the GPU fails in between.
    fn moving(&mut self) {
        let groups: [fn(&mut Self); 5] =
            [Self::load, Self::clocks, Self::power, Self::counts, Self::processes];
        for group in groups {
            if self.device.failure.is_none() {
                group(self);
            }
        }
    }

    /// The value, unless there is none; what it means for the GPU that there is none.
    pub(super) fn value<T>(&mut self, name: &'static str, answer: Answer<T>) -> Option<T> {
        let failure = match answer {
            Ok(value) => return Some(value),
            Err(NvmlError::NoPermission) => {
                self.device.denied.push(Cow::Borrowed(name));
                return None;
            }
            Err(error) => Failure::from(error),
        };
        if failure.is_of_gpu() || failure.is_of_driver() {
            self.device.failure.get_or_insert(failure);
        }
        None
    }

    pub(super) fn number<T: Number>(&mut self, name: &'static str, answer: Answer<T>) {
        if let Some(value) = self.value(name, answer) {
            self.device.numbers.insert(Cow::Borrowed(name), value.number());
        }
    }

    pub(super) fn numbers<T: Number, const N: usize>(
        &mut self,
        names: [&'static str; N],
        answer: Answer<[T; N]>,
    ) {
        for (name, value) in names.into_iter().zip(self.value(names[0], answer).into_iter().flatten()) {
            self.device.numbers.insert(Cow::Borrowed(name), value.number());
        }
    }

    pub(super) fn text(&mut self, name: &'static str, answer: Answer<String>) {
        if let Some(value) = self.value(name, answer) {
            self.device.texts.insert(Cow::Borrowed(name), value);
        }
    }
}

/// What NVML counts in.
pub(super) trait Number {
    fn number(self) -> f64;
}

impl Number for u32 {
    fn number(self) -> f64 {
        f64::from(self)
    }
}

impl Number for i32 {
    fn number(self) -> f64 {
        f64::from(self)
    }
}

impl Number for u64 {
    fn number(self) -> f64 {
        self as f64
    }
}

impl Number for bool {
    fn number(self) -> f64 {
        f64::from(u8::from(self))
    }
}

impl Number for SampleValue {
    fn number(self) -> f64 {
        match self {
            Self::F64(value) => value,
            Self::U32(value) => value.number(),
            Self::U64(value) => value.number(),
            Self::I64(value) => value as f64,
        }
    }
}
