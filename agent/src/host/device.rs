//! What a device or a file system is asked beyond its files: ioctls whose answers are bytes, so that a capture can hold them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Something a device can be asked: an ioctl, or another system call on a path. Who implements it does the unsafe part in
/// `sys`.
pub trait Question {
    /// Name of the answer in a capture, of `[a-z0-9_.-]`: equal for equal questions, and for them only.
    fn key(&self) -> String;

    /// Puts it to the device that is really there. May block for as long as the device does.
    ///
    /// # Errors
    /// What the system says.
    fn ask(&self, device: &Path) -> io::Result<Answer>;
}

/// What a device answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Bytes it sent.
    pub data: Vec<u8>,
    /// What came beside them: status and sense data of SCSI, completion of NVMe; often nothing.
    pub status: Vec<u8>,
}

/// Largest answer that a capture may hold, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// What the name of a folder with answers ends with.
const ENDING: &str = ".ioctl";

/// Folder with the answers of a device in a capture, beside the device's own place.
fn folder(device: &Path) -> PathBuf {
    let mut name = device.as_os_str().to_owned();
    name.push(ENDING);
    PathBuf::from(name)
}

/// Whether a folder of a capture was no part of the host.
pub(super) fn is_folder_of_answers(name: &str) -> bool {
    name.ends_with(ENDING)
}

/// The answer that a capture holds.
///
/// # Errors
/// The error that the device gave; [`io::ErrorKind::Unsupported`] when the capture was made without this question.
pub(super) fn replay(device: &Path, key: &str) -> io::Result<Answer> {
    let folder = folder(device);
    match fs::read_to_string(folder.join(format!("{key}.error"))) {
        Ok(text) => return Err(recorded_error(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let data = match read_capped(&folder.join(key)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = format!("the capture holds no answer {key} of {}", device.display());
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        other => other?,
    };
    let status = match read_capped(&folder.join(format!("{key}.status"))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other?,
    };
    Ok(Answer { data, status })
}

/// Puts an answer, or the error in its place, into a capture.
///
/// # Errors
/// The capture cannot be written.
pub(super) fn record(device: &Path, key: &str, answer: &io::Result<Answer>) -> io::Result<()> {
    let folder = folder(device);
    fs::create_dir_all(&folder)?;
    match answer {
        Ok(answer) => {
            fs::write(folder.join(key), &answer.data)?;
            if !answer.status.is_empty() {
                fs::write(folder.join(format!("{key}.status")), &answer.status)?;
            }
            Ok(())
        }
        Err(error) => {
            let number = error.raw_os_error().unwrap_or(libc::EIO);
            fs::write(folder.join(format!("{key}.error")), format!("{number}\n{error}\n"))
        }
    }
}

/// `errno` on the first line, words after it.
fn recorded_error(text: &str) -> io::Error {
    match text.lines().next().and_then(|line| line.trim().parse().ok()) {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::new(
            io::ErrorKind::InvalidData,
            "an error in the capture has no number on its first line",
        ),
    }
}

fn read_capped(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.len() > ANSWER_BYTES_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    fs::read(path)
}
