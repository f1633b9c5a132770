//! What the BMC and the machine around it are: asked seldom.

use super::answers::{guid, system_info};
use super::bmc::{Bmc, Trouble, code, netfn, optional};
use super::fru::{Fru, HEADER_BYTES, area_bytes, areas};

/// What does not change while the BMC runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) guid: Option<String>,
    /// Version of the machine's firmware (BIOS), as the BMC knows it.
    pub(super) system_firmware: Option<String>,
    pub(super) url: Option<String>,
    pub(super) fru: Fru,
}

/// Get System GUID (IPMI 2.0, 22.14) and Get Device GUID (20.8): the machine's and the BMC's own.
const GET_SYSTEM_GUID: u8 = 0x37;
const GET_DEVICE_GUID: u8 = 0x08;
const GET_SYSTEM_INFO: u8 = 0x59;
/// Parameters of Get System Info (22.14b).
const SYSTEM_FIRMWARE: u8 = 1;
const BMC_URL: u8 = 7;
const GET_FRU_AREA: u8 = 0x10;
const READ_FRU: u8 = 0x11;
/// Longest area that is read, in bytes: they are a few dozen.
const AREA_BYTES_MAX: u16 = 512;

impl Identity {
    /// Asks for all of it. What the BMC refuses is left out.
    pub(super) fn ask(bmc: &Bmc, has_fru: bool) -> Result<Self, Trouble> {
        let mut identity = Self::default();
        let mut asked = optional(bmc.ask(netfn::APP, GET_SYSTEM_GUID, &[]))?.and_then(|bytes| guid(&bytes));
        if asked.is_none() {
            asked = optional(bmc.ask(netfn::APP, GET_DEVICE_GUID, &[]))?.and_then(|bytes| guid(&bytes));
        }
        identity.guid = asked;
        let info = |parameter| {
            let answer = optional(bmc.ask(netfn::APP, GET_SYSTEM_INFO, &[0, parameter, 0, 0]))?;
            Ok(answer.and_then(|bytes| system_info(&bytes)))
        };
        identity.system_firmware = info(SYSTEM_FIRMWARE)?;
        identity.url = info(BMC_URL)?;
        if has_fru {
            identity.fru = fru(bmc)?;
        }
        Ok(identity)
    }
}

/// Product and board of the machine: unit 0.
fn fru(bmc: &Bmc) -> Result<Fru, Trouble> {
    let mut fru = Fru::default();
    let Some(area) = optional(bmc.ask(netfn::STORAGE, GET_FRU_AREA, &[0]))? else { return Ok(fru) };
    let by_words = area.get(2).is_some_and(|flags| flags & 1 != 0);
    let mut reader = Reader { bmc, by_words, piece: 32 };
    let Some((board, product)) = areas(&reader.read(0, HEADER_BYTES as u16)?) else { return Ok(fru) };
    if let Some(at) = product {
        fru.product(&reader.area(at)?);
    }
    if let Some(at) = board {
        fru.board(&reader.area(at)?);
    }
    Ok(fru)
}

struct Reader<'b> {
    bmc: &'b Bmc<'b>,
    by_words: bool,
    /// Bytes asked for at a time.
    piece: u16,
}

impl Reader<'_> {
    fn area(&mut self, at: u16) -> Result<Vec<u8>, Trouble> {
        let length = area_bytes(&self.read(at, 8)?).unwrap_or(0).min(AREA_BYTES_MAX);
        self.read(at, length)
    }

    /// So many bytes from an offset on; fewer where the BMC gives no more.
    fn read(&mut self, from: u16, length: u16) -> Result<Vec<u8>, Trouble> {
        const PIECE_MIN: u16 = 8;
        let unit = if self.by_words { 2 } else { 1 };
        let mut bytes: Vec<u8> = Vec::new();
        while bytes.len() < usize::from(length) {
            let have = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
            let [low, high] = (from.saturating_add(have) / unit).to_le_bytes();
            let count = u8::try_from((length - have).min(self.piece) / unit).unwrap_or(8).max(1);
            match self.bmc.ask(netfn::STORAGE, READ_FRU, &[0, low, high, count]) {
                Ok(answer) if answer.len() > 1 => bytes.extend(&answer[1..]),
                Err(Trouble::Code(code::TOO_MANY_BYTES | 0xc6 | 0xc7 | 0xc8)) if self.piece > PIECE_MIN => {
                    self.piece /= 2;
                }
                Err(trouble) if trouble.ends_the_run() => return Err(trouble),
                Ok(_) | Err(_) => break,
            }
        }
        bytes.truncate(usize::from(length));
        Ok(bytes)
    }
}
