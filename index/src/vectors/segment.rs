//! A file of vectors. In order: eight bytes that say what it is; the length of the header, in four;
//! the header, JSON; a scale of four bytes for each row; the rows, a byte for each number; the
//! CRC-32 of all that, in four. Numbers are little-endian.

use std::borrow::Cow;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tantivy::Directory;
use tantivy::directory::OwnedBytes;
use uuid::Uuid;

use super::codes::Code;
use super::{OpenReadError, VectorModel};
use crate::error::IndexError;

const MAGIC: &[u8; 8] = b"ibidvec1";
const EXTENSION: &str = ".vectors";

/// The passages of one document that follow one another in a segment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) document: Uuid,
    pub(super) version: String,
    pub(super) first: u32,
    pub(super) count: u32,
}

#[derive(Serialize, Deserialize)]
struct Header {
    model: VectorModel,
    parts: Vec<Part>,
}

/// Why a file is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// It is not what was written.
    Broken,
    /// Its vectors are another model's.
    OtherModel,
}

/// An open file.
pub(super) struct Segment {
    pub(super) number: u64,
    parts: Vec<Part>,
    num_rows: u32,
    dimensions: usize,
    scales: OwnedBytes,
    rows: OwnedBytes,
}

/// The name of a segment's file.
pub(super) fn path(number: u64) -> PathBuf {
    format!("{number:016x}{EXTENSION}").into()
}

/// The number in a file's name.
pub(super) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(EXTENSION).filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

/// The bytes of a file.
pub(super) fn encode(
    model: &VectorModel,
    parts: Vec<Part>,
    codes: &[Code<'_>],
) -> Result<Vec<u8>, IndexError> {
    let header = Header { model: model.clone(), parts };
    let header = serde_json::to_vec(&header).map_err(|error| IndexError::Engine(error.to_string()))?;
    let length =
        u32::try_from(header.len()).map_err(|_| IndexError::Engine("too many vectors at once".to_owned()))?;
    let mut bytes = Vec::with_capacity(16 + header.len() + codes.len() * (4 + model.dimensions));
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&header);
    for code in codes {
        bytes.extend_from_slice(&code.scale.to_le_bytes());
    }
    for code in codes {
        bytes.extend_from_slice(&code.numbers);
    }
    let sum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    Ok(bytes)
}

impl Segment {
    /// Opens a file and reads all of it once, for its checksum.
    pub(super) fn open(
        directory: &dyn Directory,
        number: u64,
        model: &VectorModel,
    ) -> Result<Result<Self, Damage>, IndexError> {
        let bytes = match directory.open_read(&path(number)) {
            Ok(file) => file.read_bytes()?,
            Err(OpenReadError::IoError { io_error, .. }) => return Err(IndexError::Io(io_error)),
            Err(_) => return Ok(Err(Damage::Broken)),
        };
        let Some((header, body)) = checked(&bytes) else { return Ok(Err(Damage::Broken)) };
        if header.model != *model {
            return Ok(Err(Damage::OtherModel));
        }
        let num_rows = header.parts.iter().try_fold(0_u32, |sum, part| sum.checked_add(part.count));
        let ends = header.parts.iter().all(|part| part.first.checked_add(part.count).is_some());
        let Some(num_rows) = num_rows.filter(|_| ends) else { return Ok(Err(Damage::Broken)) };
        if body.len() as u64 != u64::from(num_rows) * (4 + model.dimensions as u64) {
            return Ok(Err(Damage::Broken));
        }
        let (scales, rows) = body.split(num_rows as usize * 4);
        let dimensions = model.dimensions;
        Ok(Ok(Self { number, parts: header.parts, num_rows, dimensions, scales, rows }))
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(super) fn num_rows(&self) -> u32 {
        self.num_rows
    }

    pub(super) fn scale(&self, row: u32) -> f32 {
        let scales = self.scales.as_chunks::<4>().0;
        scales.get(row as usize).map_or(0.0, |scale| f32::from_le_bytes(*scale))
    }

    pub(super) fn numbers(&self, row: u32) -> &[u8] {
        let start = row as usize * self.dimensions;
        self.rows.get(start..start + self.dimensions).unwrap_or_default()
    }

    pub(super) fn code(&self, row: u32) -> Code<'_> {
        Code { scale: self.scale(row), numbers: Cow::Borrowed(self.numbers(row)) }
    }
}

/// The header and what follows it, if the checksum is right.
fn checked(bytes: &OwnedBytes) -> Option<(Header, OwnedBytes)> {
    let (whole, sum) = bytes.as_slice().split_last_chunk::<4>()?;
    if crc32fast::hash(whole) != u32::from_le_bytes(*sum) || !whole.starts_with(MAGIC) {
        return None;
    }
    let length = whole.get(MAGIC.len()..)?.first_chunk::<4>()?;
    let start = MAGIC.len() + 4;
    let end = start.checked_add(u32::from_le_bytes(*length) as usize)?;
    let header = serde_json::from_slice(whole.get(start..end)?).ok()?;
    Some((header, bytes.slice(end..whole.len())))
}
