//! Asks one server, within one deadline, for everything it knows of its UPSes.

use std::io;
use std::time::{Duration, Instant};

use super::config::{Login, Protocol, Server};
use super::nut::{Collector, Problem, Question, accepted, quoted};
use super::unit::{State, Unit};
use super::{nis, nut};
use crate::host::HostRoot;
use crate::source::SourceError;
use crate::source::pattern::Patterns;
use crate::source::tcp::Connection;

/// What a server told.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Version of the server; empty if it does not tell.
    pub(super) version: String,
    pub(super) units: Vec<Unit>,
}

/// Which UPSes are wanted.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) include: Option<Patterns>,
    pub(super) exclude: Patterns,
}

impl Wanted {
    fn has(&self, name: &str) -> bool {
        self.include.as_ref().is_none_or(|include| include.matches(name)) && !self.exclude.matches(name)
    }
}

/// Why a server told nothing.
#[derive(Debug)]
pub(super) struct Failure {
    /// Nobody listens there, and nobody said that somebody should.
    pub(super) absent: bool,
    pub(super) error: SourceError,
}

/// Asks a server.
///
/// # Errors
/// Whatever keeps its list of UPSes from being read; what concerns one UPS is told with that.
pub(super) fn ask(
    host: &HostRoot,
    server: &Server,
    wanted: &Wanted,
    limit: Duration,
) -> Result<Report, Failure> {
    let mut session = Session { host, server, limit, deadline: Instant::now() + limit, connection: None };
    let report = match server.protocol {
        Protocol::Nut => session.nut(wanted),
        Protocol::Apcupsd => session.apcupsd(wanted),
    };
    report.map_err(|error| session.failure(error))
}

/// One connection.
struct Session<'a> {
    host: &'a HostRoot,
    server: &'a Server,
    limit: Duration,
    deadline: Instant,
    connection: Option<Connection>,
}

/// What goes wrong on the way, or in what was said.
enum Trouble {
    Io(io::Error),
    Said(Problem),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Said(problem)
    }
}

impl Session<'_> {
    fn nut(&mut self, wanted: &Wanted) -> Result<Report, Trouble> {
        let list = self.question(Question::Units)?;
        let names = nut::units(&list)?;
        let version = self.question(Question::Version)?;
        let mut report = Report { version: nut::version(&version).unwrap_or_default(), units: Vec::new() };
        for (name, description) in names.iter().filter(|(name, _)| wanted.has(name)) {
            let mut unit = Unit::new(name, State::Ok);
            // What upsd says when the owner has said nothing.
            let said = !description.is_empty()
                && description != "Unavailable"
                && description != "Description unavailable";
            unit.description = said.then(|| description.clone());
            let answer = self.question(Question::Variables(name))?;
            match nut::variables(&answer, name) {
                Ok(variables) => unit.variables = variables.into_iter().collect(),
                Err(problem) => {
                    unit.state = match &problem {
                        Problem::Refused(word) if word == "DATA-STALE" => State::Stale,
                        Problem::Refused(word) if word == "DRIVER-NOT-CONNECTED" => State::NoDriver,
                        _ => State::Error,
                    };
                    unit.reason = Some(problem.to_string());
                }
            }
            // upsd's own word until the driver has told everything.
            if unit.has("WAIT") {
                unit.state = State::NoDriver;
            }
            let answer = self.question(Question::Logins(name))?;
            unit.logins = nut::logins(&answer, name).ok();
            report.units.push(unit);
        }
        Ok(report)
    }

    fn apcupsd(&mut self, wanted: &Wanted) -> Result<Report, Trouble> {
        let (host, server) = (self.host, self.server);
        let answer = host.exchange(&server.name, nis::KEY, || {
            let mut collector = nis::Collector::default();
            self.open()?
                .ask(nis::STATUS, |bytes| collector.take(bytes).map_err(|problem| invalid(&problem)))?;
            Ok(collector.into_bytes())
        })?;
        let status = nis::status(&answer)?;
        let name = if status.name.is_empty() { "ups" } else { &status.name };
        let mut unit = Unit::new(name, if status.lost { State::Stale } else { State::Ok });
        unit.counts = [status.transfers, status.on_battery_seconds, status.on_battery_seconds_total];
        unit.variables = status.variables;
        let units = if wanted.has(name) { vec![unit] } else { Vec::new() };
        Ok(Report { version: status.version, units })
    }

    /// An answer of upsd, from the server or a capture.
    fn question(&mut self, question: Question<'_>) -> io::Result<Vec<u8>> {
        let (host, server) = (self.host, self.server);
        host.exchange(&server.name, &question.key(), || self.put(&question.command()))
    }

    /// Puts a command to upsd; connects and signs in before the first one.
    fn put(&mut self, command: &str) -> io::Result<Vec<u8>> {
        put(self.open()?, command)
    }

    fn open(&mut self) -> io::Result<&mut Connection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.signed_in()?,
        };
        Ok(self.connection.insert(connection))
    }

    fn signed_in(&self) -> io::Result<Connection> {
        let Server { address, tls, login, .. } = self.server;
        let mut connection = Connection::open(address, self.deadline)?;
        if let Some(config) = tls {
            accepted(&put(&mut connection, "STARTTLS\n")?).map_err(|problem| match problem {
                Problem::Refused(word) => io::Error::new(
                    io::ErrorKind::Unsupported,
                    format!("the server offers no encryption: {word}"),
                ),
                other => invalid(&other),
            })?;
            connection = connection.encrypt(config, address)?;
        }
        if let Some(Login { user, password }) = login {
            for command in ["USERNAME", "PASSWORD"].into_iter().zip([user.as_str(), password.reveal()]) {
                let line = format!("{} {}\n", command.0, quoted(command.1));
                accepted(&put(&mut connection, &line)?).map_err(|problem| {
                    io::Error::new(io::ErrorKind::PermissionDenied, format!("{}: {problem}", command.0))
                })?;
            }
        }
        Ok(connection)
    }

    /// What went wrong, for the one who looks at the source.
    fn failure(&self, trouble: Trouble) -> Failure {
        let name = format!("{}://{}", self.server.protocol.word(), self.server.name);
        let mut absent = false;
        let error = match trouble {
            Trouble::Said(Problem::Refused(word)) if word == "ACCESS-DENIED" => {
                SourceError::Permission { path: name.into() }
            }
            Trouble::Said(problem) => SourceError::parse(name, problem.to_string()),
            Trouble::Io(error) => match error.kind() {
                io::ErrorKind::TimedOut => SourceError::Timeout { what: name, limit: self.limit },
                io::ErrorKind::InvalidData => SourceError::parse(name, error.to_string()),
                kind => {
                    absent = self.server.is_default && is_nobody(kind);
                    SourceError::Io { path: name.into(), source: error }
                }
            },
        };
        Failure { absent, error }
    }
}

/// Nobody listens, or nobody was asked when the capture was made, or there is no network at all.
fn is_nobody(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Unsupported
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::AddrNotAvailable
    )
}

fn put(connection: &mut Connection, command: &str) -> io::Result<Vec<u8>> {
    let mut collector = Collector::default();
    connection.ask(command.as_bytes(), |bytes| collector.take(bytes).map_err(|problem| invalid(&problem)))?;
    Ok(collector.into_bytes())
}

fn invalid(problem: &Problem) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.to_string())
}
