//! Zip containers, read with a bound on everything: entries, bytes unpacked, and the ratio of
//! unpacked to packed bytes. Names inside an archive never become paths.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::compose::size_in_words;
use super::{ExtractError, Limits};

/// The ratio counts only past this many unpacked bytes: small parts of blank XML shrink well.
const RATIO_FREE_BYTES: u64 = 1 << 20;

pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    by_name: HashMap<String, usize>,
    format: &'static str,
    max_inflated: u64,
    ratio: u64,
    inflated: u64,
}

impl<'a> Archive<'a> {
    pub(super) fn open(bytes: &'a [u8], format: &'static str, limits: &Limits) -> Result<Self, ExtractError> {
        if num_entries(bytes).is_some_and(|count| count > limits.entries) {
            return Err(ExtractError::TooLarge { limit: format!("{} parts", limits.entries) });
        }
        let zip =
            ZipArchive::new(Cursor::new(bytes)).map_err(|error| ExtractError::damaged(format, error))?;
        if zip.len() > limits.entries {
            return Err(ExtractError::TooLarge { limit: format!("{} parts", limits.entries) });
        }
        let by_name = (0..zip.len())
            .filter_map(|index| Some((zip.name_for_index(index)?.ok()?.replace('\\', "/"), index)))
            .map(|(name, index)| (name.trim_start_matches('/').to_owned(), index))
            .collect();
        let (max_inflated, ratio) = (limits.inflated_bytes, limits.ratio);
        Ok(Self { zip, by_name, format, max_inflated, ratio, inflated: 0 })
    }

    pub(super) fn holds(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Names of the parts below `prefix` that end in `suffix`, numbers in them in counting order.
    pub(super) fn names(&self, prefix: &str, suffix: &str) -> Vec<String> {
        let fits = |name: &&String| name.starts_with(prefix) && name.ends_with(suffix);
        let mut names: Vec<String> = self.by_name.keys().filter(fits).cloned().collect();
        names.sort_by_key(|name| (number_in(&name[prefix.len()..]), name.clone()));
        names
    }

    pub(super) fn read(&mut self, name: &str) -> Result<Vec<u8>, ExtractError> {
        self.read_if_there(name)?
            .ok_or_else(|| ExtractError::damaged(self.format, format_args!("part {name} is missing")))
    }

    pub(super) fn read_if_there(&mut self, name: &str) -> Result<Option<Vec<u8>>, ExtractError> {
        let Some(&index) = self.by_name.get(name) else { return Ok(None) };
        let mut bytes = Vec::new();
        self.inflate(index, |piece| bytes.extend_from_slice(piece))?;
        Ok(Some(bytes))
    }

    /// Unpacks everything once into nothing, so that a reader without bounds of its own may follow.
    pub(super) fn check_all(&mut self) -> Result<(), ExtractError> {
        (0..self.zip.len()).try_for_each(|index| self.inflate(index, |_| ()))
    }

    fn inflate(&mut self, index: usize, mut keep: impl FnMut(&[u8])) -> Result<(), ExtractError> {
        let format = self.format;
        let damaged = |error: std::io::Error| ExtractError::damaged(format, error);
        let mut entry = self.zip.by_index(index).map_err(|error| match error {
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
                ExtractError::Encrypted { format: format.to_owned() }
            }
            error => ExtractError::damaged(format, error),
        })?;
        let packed = entry.compressed_size().max(1);
        let mut unpacked = 0;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = entry.read(&mut buffer).map_err(damaged)?;
            if read == 0 {
                return Ok(());
            }
            unpacked += read as u64;
            self.inflated += read as u64;
            if unpacked > RATIO_FREE_BYTES && unpacked / packed > self.ratio {
                return Err(ExtractError::Bomb { format: format.to_owned(), ratio: self.ratio });
            }
            if self.inflated > self.max_inflated {
                let limit = format!("{} of unpacked content", size_in_words(self.max_inflated));
                return Err(ExtractError::TooLarge { limit });
            }
            keep(&buffer[..read]);
        }
    }
}

/// The number of entries as the end of the archive states it, read before anything is allocated
/// for them. Says nothing where the statement is missing or in the 64-bit form.
fn num_entries(bytes: &[u8]) -> Option<usize> {
    let tail = &bytes[bytes.len().saturating_sub(66_000)..];
    let at = tail.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let count = tail.get(at + 10..at + 12)?;
    let count = u16::from_le_bytes([count[0], count[1]]);
    (count != u16::MAX).then_some(usize::from(count))
}

fn number_in(name: &str) -> u64 {
    let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().unwrap_or(u64::MAX)
}

/// Resolves a relative reference between parts of a package.
pub(super) fn resolve(base: &str, target: &str) -> String {
    let target = target.split(['#', '?']).next().unwrap_or("");
    let mut parts: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => base.split('/').collect(),
    };
    if !target.starts_with('/') {
        parts.pop();
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
