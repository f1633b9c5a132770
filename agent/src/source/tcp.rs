//! A connection to a server on the network that ends in time, whatever the server does: one deadline for everything that is said.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// Name or number, a number of IPv6 without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Address {
    /// Reads `nas.lan`, `nas.lan:3493`, `10.0.0.2:3493`, `[fd00::1]:3493` or `fd00::1`.
    ///
    /// # Errors
    /// What is wrong with it, for the one who wrote it.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, String> {
        let port = |text: &str| match text.parse::<u16>() {
            Ok(port) if port > 0 => Ok(port),
            _ => Err(format!("{text:?} is no port")),
        };
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, rest) = rest.split_once(']').ok_or("`[` is not closed")?;
            match rest.strip_prefix(':') {
                Some(number) => (host, port(number)?),
                None if rest.is_empty() => (host, default_port),
                None => return Err(format!("{rest:?} stands behind the address")),
            }
        } else {
            match text.rsplit_once(':') {
                // Several colons without brackets: a number of IPv6 alone.
                Some((host, number)) if !host.contains(':') => (host, port(number)?),
                _ => (text, default_port),
            }
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if host.is_empty() || !host.chars().all(fits) {
            return Err(format!("{host:?} is no name of a host"));
        }
        Ok(Self { host: host.to_owned(), port })
    }

    /// Whether it is this machine itself.
    pub fn is_loopback(&self) -> bool {
        let number = self.host.parse::<std::net::IpAddr>();
        self.host == "localhost" || number.is_ok_and(|number| number.is_loopback())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// A connection in the clear or, from some point on, encrypted.
pub struct Connection(Inner);

enum Inner {
    Clear(Timed),
    Encrypted(Box<StreamOwned<ClientConnection, Timed>>),
}

impl Connection {
    /// Connects to the first of the server's addresses that answers.
    ///
    /// # Errors
    /// What the last of them said; `TimedOut` when the deadline has passed.
    pub fn open(address: &Address, deadline: Instant) -> io::Result<Self> {
        let mut result = Err(io::ErrorKind::NotFound.into());
        for number in (address.host.as_str(), address.port).to_socket_addrs()? {
            result = TcpStream::connect_timeout(&number, left(deadline)?);
            if result.is_ok() {
                break;
            }
        }
        let stream = result?;
        stream.set_nodelay(true)?;
        Ok(Self(Inner::Clear(Timed { stream, deadline })))
    }

    /// Encrypts from here on.
    ///
    /// # Errors
    /// The server's certificate is not accepted, or it does not speak TLS.
    pub fn encrypt(self, config: &Arc<ClientConfig>, address: &Address) -> io::Result<Self> {
        let Inner::Clear(stream) = self.0 else { return Ok(self) };
        let name = ServerName::try_from(address.host.clone()).map_err(io::Error::other)?;
        let client = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(client, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self(Inner::Encrypted(Box::new(stream))))
    }

    /// Sends a question and hands what comes back to `take`, piece by piece, until that says it has the whole answer.
    ///
    /// # Errors
    /// What `take` says; `UnexpectedEof` when the server closes before; `TimedOut` when the deadline has passed.
    pub fn ask(
        &mut self,
        question: &[u8],
        mut take: impl FnMut(&[u8]) -> io::Result<bool>,
    ) -> io::Result<()> {
        const PIECE_BYTES: usize = 4096;
        let stream: &mut dyn ReadWrite = match &mut self.0 {
            Inner::Clear(stream) => stream,
            Inner::Encrypted(stream) => stream.as_mut(),
        };
        stream.write_all(question)?;
        stream.flush()?;
        let mut piece = [0; PIECE_BYTES];
        loop {
            let count = stream.read(&mut piece)?;
            let Some(bytes) = piece.get(..count).filter(|bytes| !bytes.is_empty()) else {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
            };
            if take(bytes)? {
                return Ok(());
            }
        }
    }
}

trait ReadWrite: Read + Write {}

impl<T: Read + Write> ReadWrite for T {}

/// A socket on which nothing blocks beyond the deadline.
struct Timed {
    stream: TcpStream,
    deadline: Instant,
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// A socket's own word for its timeout is "would block".
fn in_time<T>(result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    })
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.deadline)?))?;
        in_time(self.stream.read(buffer))
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.deadline)?))?;
        in_time(self.stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_and_without_port() {
        for (text, shown) in [
            ("nas.lan", "nas.lan:3493"),
            ("nas.lan:1", "nas.lan:1"),
            ("10.0.0.2", "10.0.0.2:3493"),
            ("fd00::1", "[fd00::1]:3493"),
            ("[fd00::1]", "[fd00::1]:3493"),
            ("[fd00::1]:7", "[fd00::1]:7"),
        ] {
            let address = Address::parse(text, 3493).unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(Address::parse(shown, 1).unwrap(), address, "{text}");
        }
        for (text, part) in [
            ("", "no name"),
            ("nas:", "no port"),
            ("nas:0", "no port"),
            ("nas:99999", "no port"),
            ("na s", "no name"),
            ("[::1", "not closed"),
            ("[::1]x", "behind"),
            ("nut://nas", "no port"),
        ] {
            let problem = Address::parse(text, 3493).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
        assert!(Address::parse("::1", 1).unwrap().is_loopback());
        assert!(!Address::parse("10.0.0.1", 1).unwrap().is_loopback());
    }
}
