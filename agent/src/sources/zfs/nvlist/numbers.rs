//! Arrays of integers, left packed: a pool's histograms are long and nobody reads them.

use std::fmt;

/// An array of integers in the bytes of a list.
#[derive(Clone, Copy)]
pub struct Numbers<'a> {
    /// As many whole elements as the list claims.
    bytes: &'a [u8],
    form: Form,
}

/// How the elements of an array lie in the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// Bytes from one to the next.
    pub(super) stride: usize,
    /// Bytes of a number, at most 8; where fewer than the stride, the last ones.
    pub(super) width: usize,
    pub(super) signed: bool,
    pub(super) big_endian: bool,
    pub(super) boolean: bool,
}

impl<'a> Numbers<'a> {
    pub(super) fn new(bytes: &'a [u8], form: Form) -> Self {
        Self { bytes, form }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.form.stride
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether they are booleans.
    pub fn are_booleans(&self) -> bool {
        self.form.boolean
    }

    /// All of them; wide enough for both signs.
    pub fn iter(&self) -> impl Iterator<Item = i128> + use<'a> {
        let form = self.form;
        self.bytes.chunks_exact(form.stride).map(move |element| form.read(element))
    }

    /// One of them, `None` behind the end: older versions of OpenZFS have shorter arrays.
    pub fn get(&self, index: usize) -> Option<u64> {
        let element = self.bytes.chunks_exact(self.form.stride).nth(index)?;
        u64::try_from(self.form.read(element)).ok()
    }
}

impl Form {
    fn read(self, element: &[u8]) -> i128 {
        let element = &element[element.len().saturating_sub(self.width)..];
        integer(element, self.big_endian, self.signed)
    }
}

/// The number in at most 8 bytes.
pub(super) fn integer(bytes: &[u8], big_endian: bool, signed: bool) -> i128 {
    let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    let value = if big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) };
    let unused = 64 - 8 * bytes.len().clamp(1, 8) as u32;
    if signed { i128::from((value << unused) as i64 >> unused) } else { i128::from(value) }
}

impl PartialEq for Numbers<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.form.boolean == other.form.boolean && self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Numbers<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}
