//! Drives the index from outside: through its public surface only.

#[cfg(test)]
mod folder;
#[cfg(test)]
mod library;
#[cfg(test)]
mod search;
#[cfg(test)]
mod vectors;
