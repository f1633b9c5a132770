//! What a server on the network is asked: bytes over a connection, recorded like the answers of a device.

use std::io;

use super::device::{self, Answer};
use super::{At, HostRoot};

/// Folder of a capture that holds what servers answered.
const FOLDER: &str = "net";

impl HostRoot {
    /// What a server answers to one question: `exchange` puts it, over a connection that the caller keeps. `server` is its address,
    /// `key` the name of the answer in a capture (`[a-z0-9_.-]`), equal for equal questions. Only the answer is recorded, so nothing that
    /// signs in may come back in one.
    ///
    /// # Errors
    /// What `exchange` says, or said when the capture was made; [`io::ErrorKind::Unsupported`] when a capture does not hold it.
    pub fn exchange(
        &self,
        server: &str,
        key: &str,
        exchange: impl FnOnce() -> io::Result<Vec<u8>>,
    ) -> io::Result<Vec<u8>> {
        let path = self.path(At::Root, &format!("{FOLDER}/{}", file_name(server)));
        if !self.live {
            return Ok(device::replay(&path, key)?.data);
        }
        let result = exchange();
        if let Some(recorder) = &self.recorder {
            let answer = match &result {
                Ok(data) => Ok(Answer { data: data.clone(), status: Vec::new() }),
                Err(error) => Err(io::Error::from_raw_os_error(number(error))),
            };
            recorder.answer(&path, key, &answer);
        }
        result
    }
}

/// The number under which an error is recorded.
fn number(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(match error.kind() {
        io::ErrorKind::TimedOut => libc::ETIMEDOUT,
        io::ErrorKind::UnexpectedEof => libc::ECONNRESET,
        io::ErrorKind::PermissionDenied => libc::EACCES,
        io::ErrorKind::InvalidData => libc::EBADMSG,
        _ => libc::EIO,
    })
}

/// An address as the name of a file.
fn file_name(server: &str) -> String {
    server.chars().map(|c| if c == '/' || c.is_control() { '_' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Recorder;
    use std::sync::Arc;

    #[test]
    fn answers_and_errors_of_servers_come_again_from_a_capture() {
        let out = tempfile::tempdir().unwrap();
        let recorder = Arc::new(Recorder::new(out.path()));
        let host = HostRoot::recording(Arc::clone(&recorder));
        let said = host.exchange("nas.lan:3493", "ver", || Ok(b"upsd 2.8\n".to_vec())).unwrap();
        let late = host.exchange("pi/x:3551", "status", || Err(io::ErrorKind::TimedOut.into()));
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
        recorder.finish().unwrap();
        let copy = HostRoot::captured(out.path());
        let never = || -> io::Result<Vec<u8>> { panic!("a capture asks nobody") };
        assert_eq!(copy.exchange("nas.lan:3493", "ver", never).unwrap(), said);
        assert_eq!(copy.exchange("pi/x:3551", "status", never).unwrap_err().kind(), io::ErrorKind::TimedOut);
        let other = copy.exchange("nas.lan:3493", "list-ups", never).unwrap_err();
        assert_eq!(other.kind(), io::ErrorKind::Unsupported);
    }
}
