//! The sensors of the machine out of the BMC's repository of records: read once, again when the repository says that it changed.
//! Reading all of it takes seconds, so it goes on in the next run where time was up.

use super::answers::{DeviceId, Stamp};
use super::bmc::{Bmc, Trouble, code, netfn};
use super::bytes::le16;
use super::sdr::{HEADER_BYTES, Record, Sensor, header, parse};
use crate::source::pattern::Patterns;

/// Most records that are read: a repository has room for some hundreds.
const RECORDS_MAX: usize = 4096;
/// Bytes asked for at a time where the BMC refuses whole records.
const PIECE_BYTES: u8 = 16;
/// Fewest bytes it is asked for, where it refuses that as well.
const PIECE_BYTES_MIN: u8 = 8;
/// How often a reservation may be lost within one record.
const RESERVATIONS_MAX: usize = 10;
/// All that a record has from an offset on.
const WHOLE: u8 = 0xff;
/// Number of the first record, and of none.
const FIRST: u16 = 0;
const END: u16 = 0xffff;

/// The commands of a repository: of the BMC's (33) or of its own sensors' records (35).
#[derive(Clone, Copy)]
struct Commands {
    netfn: u8,
    info: u8,
    get: u8,
    reserve: u8,
    stamp: fn(&[u8]) -> Option<Stamp>,
}

const REPOSITORY: Commands =
    Commands { netfn: netfn::STORAGE, info: 0x20, get: 0x23, reserve: 0x22, stamp: Stamp::of_repository };
const DEVICE: Commands =
    Commands { netfn: netfn::SENSOR, info: 0x20, get: 0x21, reserve: 0x22, stamp: Stamp::of_device };

/// What is known of the sensors.
#[derive(Default)]
pub(super) struct Repository {
    /// As complete as the last complete reading.
    pub(super) sensors: Vec<Sensor>,
    /// What the repository said of itself when that began.
    stamp: Option<Stamp>,
    /// A reading that is not complete.
    loading: Option<Loading>,
    /// Most bytes the BMC gives at a time.
    piece: Option<u8>,
    /// Records that were not understood.
    pub(super) malformed: usize,
}

struct Loading {
    stamp: Stamp,
    next: u16,
    records: usize,
    sensors: Vec<Sensor>,
    malformed: usize,
}

impl Repository {
    /// Makes sure that the sensors are those of now. Whether they are others than before.
    pub(super) fn refresh(&mut self, bmc: &Bmc, id: &DeviceId, exclude: &Patterns) -> Result<bool, Trouble> {
        let commands = if id.has_repository || !id.has_device_records { REPOSITORY } else { DEVICE };
        let info = bmc.ask(commands.netfn, commands.info, &[])?;
        let stamp =
            (commands.stamp)(&info).ok_or(Trouble::Malformed("information on a repository that is cut"))?;
        if self.stamp == Some(stamp) {
            return Ok(false);
        }
        let begun = self.loading.take().filter(|loading| loading.stamp == stamp);
        let mut loading =
            begun.unwrap_or(Loading { stamp, next: FIRST, records: 0, sensors: Vec::new(), malformed: 0 });
        let result = self.load(bmc, commands, &mut loading, exclude);
        if let Err(trouble) = result {
            self.loading = Some(loading);
            return Err(trouble);
        }
        distinguish(&mut loading.sensors);
        self.sensors = loading.sensors;
        self.malformed = loading.malformed;
        self.stamp = Some(stamp);
        Ok(true)
    }

    fn load(
        &mut self,
        bmc: &Bmc,
        commands: Commands,
        loading: &mut Loading,
        exclude: &Patterns,
    ) -> Result<(), Trouble> {
        if loading.stamp.count == 0 {
            return Ok(());
        }
        let mut reservation = reserve(bmc, commands)?;
        while loading.next != END && loading.records < RECORDS_MAX {
            let (next, bytes) = self.record(bmc, commands, &mut reservation, loading.next)?;
            loading.records += 1;
            // One that names itself would never end.
            loading.next = if next == loading.next { END } else { next };
            match parse(&bytes) {
                Ok(Record::Sensors(sensors)) => {
                    loading
                        .sensors
                        .extend(sensors.into_iter().filter(|sensor| !exclude.matches(&sensor.name)));
                }
                Ok(Record::Other) => {}
                Err(_) => loading.malformed += 1,
            }
        }
        Ok(())
    }

    /// A whole record, in pieces where the BMC gives no more at a time; and the number of the next one.
    fn record(
        &mut self,
        bmc: &Bmc,
        commands: Commands,
        reservation: &mut [u8; 2],
        number: u16,
    ) -> Result<(u16, Vec<u8>), Trouble> {
        let mut bytes: Vec<u8> = Vec::new();
        let mut next = END;
        let mut lost = 0;
        loop {
            // The header tells how much there is.
            let length = header(&bytes).map_or(HEADER_BYTES, |(_, _, length)| length);
            let known = bytes.len() >= HEADER_BYTES;
            if known && bytes.len() >= length {
                bytes.truncate(length);
                return Ok((next, bytes));
            }
            let left = if known { u8::try_from(length - bytes.len()).unwrap_or(WHOLE) } else { WHOLE };
            let count = self.piece.map_or(left, |piece| piece.min(left));
            // None is that long; without content it is not understood.
            let Ok(offset) = u8::try_from(bytes.len()) else { return Ok((next, Vec::new())) };
            let [low, high] = number.to_le_bytes();
            let request = [reservation[0], reservation[1], low, high, offset, count];
            match bmc.ask_reserved(commands.netfn, commands.get, &request) {
                Ok(answer) => {
                    next =
                        le16(&answer, 0).ok_or(Trouble::Malformed("a sensor record without a next one"))?;
                    let piece = answer.get(2..).unwrap_or_default();
                    if piece.is_empty() {
                        return Ok((next, Vec::new()));
                    }
                    bytes.extend(piece);
                }
                Err(Trouble::Code(code::RESERVATION_LOST)) if lost < RESERVATIONS_MAX => {
                    lost += 1;
                    *reservation = reserve(bmc, commands)?;
                }
                Err(trouble) => self.smaller(trouble)?,
            }
        }
    }

    /// Takes fewer bytes at a time, if that may help.
    fn smaller(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        // Cannot return so many bytes; request truncated, too long, out of range; unspecified: how BMCs say that it is too much.
        const TOO_MUCH: [u8; 5] = [code::TOO_MANY_BYTES, 0xc6, 0xc8, 0xc9, 0xff];
        match (&trouble, self.piece) {
            (Trouble::Code(code), None) if TOO_MUCH.contains(code) => self.piece = Some(PIECE_BYTES),
            (Trouble::Code(code), Some(piece)) if TOO_MUCH.contains(code) && piece > PIECE_BYTES_MIN => {
                self.piece = Some(PIECE_BYTES_MIN);
            }
            _ => return Err(trouble),
        }
        Ok(())
    }
}

/// A reservation, which the BMC takes back when the repository changes. Zero where it knows none.
fn reserve(bmc: &Bmc, commands: Commands) -> Result<[u8; 2], Trouble> {
    match bmc.ask(commands.netfn, commands.reserve, &[]) {
        Ok(answer) => Ok(le16(&answer, 0).unwrap_or(0).to_le_bytes()),
        Err(trouble) if trouble.ends_the_run() => Err(trouble),
        Err(_) => Ok([0, 0]),
    }
}

/// Gives sensors of one record and name, whose series would be one, a number each.
fn distinguish(sensors: &mut [Sensor]) {
    let mut seen = std::collections::BTreeMap::new();
    for sensor in sensors.iter_mut() {
        let count = seen.entry((sensor.record, sensor.name.clone())).or_insert(0_u32);
        *count += 1;
        if *count > 1 {
            sensor.name = format!("{} #{count}", sensor.name);
        }
    }
}
