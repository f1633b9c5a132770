//! NVIDIA's management library (NVML, nvml.h), loaded when it is first needed. It lives on a thread of its own, since it is
//! closed code that may hang in the driver and wants a stack of usual size; what the thread holds goes with it.

mod device;
mod fast;
mod raw;
mod reading;
mod slow;
mod watch;

use std::ffi::OsString;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use nvml_wrapper::{Nvml, cuda_driver_version_major, cuda_driver_version_minor};

use device::Reader;
pub use reading::{Device, Failure, Mig, Numbers, Process, Reading, Said, Texts, Xid, code};

/// The library, as the dynamic linker finds it.
const LIBRARY: &str = "libnvidia-ml.so.1";
/// Stack of the thread, in bytes; what is not used of it takes no memory.
const STACK_BYTES: usize = 1 << 20;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Addresses of the GPUs: `0000:0c:00.0`.
    pub addresses: Vec<String>,
    /// Whether the traffic over PCIe is measured, which takes 40 ms for each GPU.
    pub pcie_throughput: bool,
}

/// The loaded library.
#[derive(Debug)]
pub struct Session {
    wishes: Sender<Wish>,
    answers: Receiver<Said>,
    /// Asked, and not answered yet.
    unanswered: bool,
}

impl Session {
    /// Starts the thread, which loads the library: `library` instead of the system's one, if given.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn start(library: Option<OsString>) -> io::Result<Self> {
        let (wishes, wished) = channel();
        let (answer, answers) = channel();
        let library = library.unwrap_or_else(|| LIBRARY.into());
        let builder = thread::Builder::new().name("nvml".to_owned()).stack_size(STACK_BYTES);
        builder.spawn(move || serve(&library, &wished, &answer))?;
        Ok(Self { wishes, answers, unanswered: false })
    }

    /// Asks all that is wished for, and waits for the answer. A question that is still unanswered from an earlier call is not
    /// put again.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] when it does not answer in time, [`io::ErrorKind::BrokenPipe`] when the thread has died.
    pub fn read(&mut self, wish: Wish, timeout: Duration) -> io::Result<Said> {
        if self.unanswered {
            // An answer that is late is out of date; a thread that still hangs is not waited for.
            self.answer(Duration::ZERO)?;
        }
        self.wishes.send(wish).map_err(|_| died())?;
        self.unanswered = true;
        self.answer(timeout)
    }

    fn answer(&mut self, timeout: Duration) -> io::Result<Said> {
        match self.answers.recv_timeout(timeout) {
            Ok(said) => {
                self.unanswered = false;
                Ok(said)
            }
            Err(RecvTimeoutError::Timeout) => Err(io::ErrorKind::TimedOut.into()),
            Err(RecvTimeoutError::Disconnected) => Err(died()),
        }
    }
}

fn died() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the thread that asks NVML has died")
}

/// The thread's life: as long as somebody may ask. At its end NVML is shut down, so that nothing of the driver is held.
fn serve(library: &OsString, wishes: &Receiver<Wish>, answers: &Sender<Said>) {
    let nvml = match Nvml::builder().lib_path(library).init() {
        Ok(nvml) => nvml,
        Err(error) => {
            if wishes.recv().is_ok() {
                let _ = answers.send(Said::Failed(error.into()));
            }
            return;
        }
    };
    let mut reader = Reader::new(&nvml);
    while let Ok(wish) = wishes.recv() {
        let mut reading = versions(&nvml);
        let said = match reader.read(&wish, &mut reading) {
            Ok(()) => Said::Reading(reading),
            Err(failure) => Said::Failed(failure),
        };
        if answers.send(said).is_err() {
            return;
        }
    }
}

fn versions(nvml: &Nvml) -> Reading {
    let cuda = nvml.sys_cuda_driver_version().ok();
    let cuda = cuda.map(|version| {
        format!("{}.{}", cuda_driver_version_major(version), cuda_driver_version_minor(version))
    });
    Reading {
        driver_version: nvml.sys_driver_version().unwrap_or_default(),
        nvml_version: nvml.sys_nvml_version().unwrap_or_default(),
        cuda_version: cuda.unwrap_or_default(),
        ..Reading::default()
    }
}

#[cfg(test)]
mod tests;
