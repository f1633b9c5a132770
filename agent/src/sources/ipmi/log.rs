//! What the BMC logs, followed: which entries are new since the last run, and the newest of them.

use std::collections::VecDeque;

use super::bmc::{Bmc, Trouble, code, netfn};
use super::sel::{Entry, Info, LAST, entry};

/// Entries that are kept to be shown.
const SHOWN: usize = 20;
/// Most entries that one run reads.
const READ_MAX: usize = 100;
const GET_INFO: u8 = 0x40;
const GET_ENTRY: u8 = 0x43;

/// The log as it is known.
#[derive(Default)]
pub(super) struct Log {
    /// What it said of itself when it was last read to its end.
    read: Option<Info>,
    /// The newest entries, the oldest first.
    pub(super) newest: VecDeque<Entry>,
    /// Whether entries have been looked at before.
    watching: bool,
}

/// What came of a look.
pub(super) struct Look {
    pub(super) info: Info,
    /// Entries that were not there before, unless this is the first look.
    pub(super) new: Vec<Entry>,
    /// Whether it was cleared since the last look.
    pub(super) cleared: bool,
}

impl Log {
    /// Looks what the log holds. Entries read before a trouble are in the look; the others come the next time.
    pub(super) fn look(&mut self, bmc: &Bmc) -> Result<(Look, Option<Trouble>), Trouble> {
        let answer = bmc.ask(netfn::STORAGE, GET_INFO, &[])?;
        let info = Info::parse(&answer).ok_or(Trouble::Malformed("information on the log that is cut"))?;
        let mut look = Look { info: info.clone(), new: Vec::new(), cleared: false };
        if self.read.as_ref() == Some(&info) {
            return Ok((look, None));
        }
        let erased =
            self.read.as_ref().is_some_and(|read| read.erased != info.erased && info.entries < read.entries);
        let emptied = info.entries == 0 && !self.newest.is_empty();
        if erased || emptied {
            self.newest.clear();
            look.cleared = true;
        }
        let result = match (info.entries, self.watching) {
            (0, _) => Ok(true),
            (_, false) => self.find_newest(bmc),
            _ => self.follow(bmc, &mut look),
        };
        match result {
            Ok(complete) => {
                self.watching = true;
                // What is left of a long log is read the next time.
                self.read = complete.then_some(info);
                Ok((look, None))
            }
            Err(trouble) => Ok((look, Some(trouble))),
        }
    }

    /// At the first look: the newest entry, and those right before it. Entries are linked forwards only, but their numbers are
    /// mostly without gaps.
    fn find_newest(&mut self, bmc: &Bmc) -> Result<bool, Trouble> {
        self.newest.clear();
        let (_, last) = get(bmc, LAST)?;
        for back in (1..SHOWN as u16).rev() {
            let Some(number) = last.record.checked_sub(back).filter(|number| *number > 0) else { continue };
            match get(bmc, number) {
                Ok((_, entry)) if entry.record == number => self.keep(entry),
                Err(trouble) if trouble.ends_the_run() => return Err(trouble),
                _ => {}
            }
        }
        self.keep(last);
        Ok(true)
    }

    /// Reads on from the newest entry known. Whether the end was reached.
    fn follow(&mut self, bmc: &Bmc, look: &mut Look) -> Result<bool, Trouble> {
        let mut next = match self.newest.back().cloned() {
            None => 0,
            Some(known) => match get(bmc, known.record) {
                Ok((next, same)) if same.bytes == known.bytes => next,
                // It was cleared and has been filled anew, or what was the newest has been overwritten.
                Ok(_) | Err(Trouble::Code(code::NOT_PRESENT) | Trouble::Malformed(_) | Trouble::Unknown) => {
                    self.newest.clear();
                    look.cleared = true;
                    0
                }
                Err(trouble) => return Err(trouble),
            },
        };
        for _ in 0..READ_MAX {
            if next == LAST {
                return Ok(true);
            }
            let (after, entry) = match get(bmc, next) {
                Ok(found) => found,
                Err(Trouble::Code(code::NOT_PRESENT)) => return Ok(true),
                Err(trouble) => return Err(trouble),
            };
            look.new.push(entry.clone());
            self.keep(entry);
            if after == next {
                return Ok(true);
            }
            next = after;
        }
        Ok(false)
    }

    fn keep(&mut self, entry: Entry) {
        if self.newest.len() >= SHOWN {
            self.newest.pop_front();
        }
        self.newest.push_back(entry);
    }
}

/// An entry and the number of the next one; 0 asks for the first.
fn get(bmc: &Bmc, number: u16) -> Result<(u16, Entry), Trouble> {
    let [low, high] = number.to_le_bytes();
    // Whole entries need no reservation.
    let answer = bmc.ask(netfn::STORAGE, GET_ENTRY, &[0, 0, low, high, 0, 0xff])?;
    entry(&answer).ok_or(Trouble::Malformed("a log entry that is cut"))
}
