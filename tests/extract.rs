//! Drives extraction, passages and the isolated worker from outside.

#[cfg(test)]
#[path = "extract/files.rs"]
mod files;
#[cfg(test)]
#[path = "extract/formats.rs"]
mod formats;
#[cfg(test)]
#[path = "extract/limits.rs"]
mod limits;
#[cfg(test)]
#[path = "extract/passages.rs"]
mod passages;
#[cfg(test)]
#[path = "extract/worker.rs"]
mod worker;
