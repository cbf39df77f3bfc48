//! What passages mean, as vectors: kept beside the terms, for finding what shares no word with the
//! question. Where vectors come from is not known here; they are numbers of one model.
//!
//! The folder holds segments, each complete under its name and never changed: written beside it,
//! synced, renamed, and checked when it is opened. A hint like the index itself: a segment that is
//! damaged or of another model is dropped, and whoever has the text makes its vectors again. A
//! vector counts only where the index has its passage, so that nothing has to be synced on a delete.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use tantivy::Directory;
use tantivy::directory::RamDirectory;
use tantivy::directory::error::OpenReadError;
use uuid::Uuid;

use crate::error::{IndexError, guarded};
use crate::mapped::Mapped;
use codes::{Asked, Code};
use segment::{Damage, Part, Segment};
use state::{Held, State};

pub use meaning::Meaning;

mod codes;
mod meaning;
mod segment;
mod state;

/// Two models are the same if both of these are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorModel {
    /// Tells it from every other model, also from one that takes its name.
    pub name: String,
    /// Numbers of each of its vectors.
    pub dimensions: usize,
}

/// Vectors of neighbouring passages of one document.
#[derive(Clone, Debug)]
pub struct PassageVectors {
    /// The document they are in.
    pub document: Uuid,
    /// The version of it. Vectors of another one are forgotten.
    pub version: String,
    /// The position of the first of them.
    pub first: u32,
    /// Their vectors, of any length but 0.
    pub vectors: Vec<Vec<f32>>,
}

/// What there is of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VectorEntry {
    /// Its version.
    pub version: String,
    /// How many of its passages have vectors, from the first one on.
    pub num_passages: u32,
}

/// The vectors of one model, on disk or in memory. Searches see what was put last and wait for
/// nothing.
pub struct Vectors {
    directory: Box<dyn Directory>,
    mapped: Mapped,
    model: VectorModel,
    state: RwLock<Arc<State>>,
    writing: Mutex<()>,
}

impl Vectors {
    /// Opens the vectors of `model` in a folder of their own, creating it when absent. What can't be
    /// used is removed: the names of damaged files are returned, those of other models' are not.
    ///
    /// # Errors
    ///
    /// [`IndexError::Io`] if the folder can't be read or written.
    pub fn open(path: &Path, model: VectorModel) -> Result<(Self, Vec<String>), IndexError> {
        guarded(|| {
            fs::create_dir_all(path)?;
            let (mapped, directory) = Mapped::open(path)?;
            let mut found = Vec::new();
            for entry in fs::read_dir(path)? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                match segment::number(&name) {
                    Some(number) => found.push((number, name)),
                    // What a crash left half written.
                    None => fs::remove_file(path.join(name))?,
                }
            }
            found.sort_unstable();
            Self::read(Box::new(directory), mapped, model, found)
        })
    }

    /// Makes vectors that are gone when dropped.
    #[must_use]
    pub fn in_memory(model: VectorModel) -> Self {
        let (directory, mapped) = (Box::new(RamDirectory::create()), Mapped::nothing());
        let (state, writing) = Default::default();
        Self { directory, mapped, model, state, writing }
    }

    fn read(
        directory: Box<dyn Directory>,
        mapped: Mapped,
        model: VectorModel,
        found: Vec<(u64, String)>,
    ) -> Result<(Self, Vec<String>), IndexError> {
        let mut state = State::default();
        let mut damaged = Vec::new();
        for (number, name) in found {
            state.next = number + 1;
            match Segment::open(&*directory, number, &model)? {
                Ok(segment) => state.add(segment),
                Err(damage) => {
                    damaged.extend((damage == Damage::Broken).then_some(name));
                    remove(&*directory, number)?;
                }
            }
        }
        let (state, writing) = (RwLock::new(Arc::new(state)), Mutex::default());
        Ok((Self { directory, mapped, model, state, writing }, damaged))
    }

    /// Whose vectors they are.
    #[must_use]
    pub fn model(&self) -> &VectorModel {
        &self.model
    }

    /// Adds vectors: they are on disk and searchable when this returns, or none is after an error.
    /// Those that were there of the same passages are replaced.
    ///
    /// # Errors
    ///
    /// [`IndexError::Engine`] if one is of another length than the model's, [`IndexError::Io`] if the
    /// disk refuses.
    pub fn put(&self, added: &[PassageVectors]) -> Result<(), IndexError> {
        let dimensions = self.model.dimensions;
        let mut parts = Vec::new();
        let mut codes = Vec::new();
        for PassageVectors { document, version, first, vectors } in added {
            let count = u32::try_from(vectors.len()).unwrap_or(u32::MAX);
            parts.push(Part { document: *document, version: version.clone(), first: *first, count });
            for vector in vectors {
                if vector.len() != dimensions {
                    let length = vector.len();
                    let words =
                        format!("a vector has {length} numbers, those of the model have {dimensions}");
                    return Err(IndexError::Engine(words));
                }
                codes.push(Code::of(vector));
            }
        }
        if codes.is_empty() {
            return Ok(());
        }
        guarded(|| {
            let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
            let mut state = State::clone(&self.state());
            self.write(&mut state, parts, &codes)?;
            self.merge(&mut state)?;
            self.mapped.forget_unread();
            Ok(())
        })
    }

    /// Forgets what it has of a document. Its rows go from the disk when segments are merged.
    pub fn forget(&self, document: Uuid) {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = State::clone(&self.state());
        if state.documents.remove(&document.as_u128()).is_some() {
            self.show(state);
        }
    }

    /// Returns what is held of every document, for comparing with the store.
    #[must_use]
    pub fn documents(&self) -> BTreeMap<Uuid, VectorEntry> {
        let state = self.state();
        let entries = state.documents.iter().map(|(id, held)| (Uuid::from_u128(*id), held.entry()));
        entries.collect()
    }

    /// Returns what is held of a document.
    #[must_use]
    pub fn document(&self, document: Uuid) -> Option<VectorEntry> {
        self.state().documents.get(&document.as_u128()).map(Held::entry)
    }

    /// Returns how many passages have vectors.
    #[must_use]
    pub fn num_passages(&self) -> u64 {
        self.state().num_passages()
    }

    /// Puts a question's vector beside all that is there now, for
    /// [`PassageIndex::search_with_meaning`](crate::PassageIndex::search_with_meaning).
    /// `None` if it has another length than the model's.
    #[must_use]
    pub fn meaning(&self, question: &[f32]) -> Option<Meaning> {
        let fits = question.len() == self.model.dimensions;
        fits.then(|| Meaning::new(self.state(), Asked::of(question)))
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn show(&self, state: State) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
    }

    /// Adds a segment to the disk and to the state.
    fn write(&self, state: &mut State, parts: Vec<Part>, codes: &[Code<'_>]) -> Result<(), IndexError> {
        let number = state.next;
        let bytes = segment::encode(&self.model, parts, codes)?;
        self.directory.atomic_write(&segment::path(number), &bytes)?;
        self.directory.sync_directory()?;
        state.next = number + 1;
        match Segment::open(&*self.directory, number, &self.model)? {
            Ok(segment) => state.add(segment),
            Err(_) => {
                return Err(IndexError::Damaged(format!(
                    "{} was not written as it is",
                    segment::path(number).display()
                )));
            }
        }
        self.show(state.clone());
        Ok(())
    }

    /// Joins the last segments as long as the one before them is not twice as large, so that there
    /// are few, and each vector is written few times. Rows that nobody refers to stay behind.
    fn merge(&self, state: &mut State) -> Result<(), IndexError> {
        let live = state.live_rows();
        let rows = |segment: &Arc<Segment>| live.get(&segment.number).copied().unwrap_or(0);
        let mut total = 0;
        let joined = state.segments.iter().rev().take_while(|segment| {
            let belongs = total == 0 || rows(segment) < 2 * total || rows(segment) * 2 < segment.num_rows();
            total += rows(segment);
            belongs
        });
        let joined = joined.count();
        if joined < 2 {
            return Ok(());
        }
        let old = state.segments.split_off(state.segments.len() - joined);
        let numbers: Vec<u64> = old.iter().map(|segment| segment.number).collect();
        let mut parts = Vec::new();
        let mut codes = Vec::new();
        for (id, held) in &state.documents {
            for run in held.runs.iter().filter(|run| numbers.contains(&run.segment)) {
                let Some(segment) = old.iter().find(|segment| segment.number == run.segment) else {
                    continue;
                };
                let (document, version) = (Uuid::from_u128(*id), held.version.to_string());
                parts.push(Part { document, version, first: run.first, count: run.count });
                codes.extend((run.row..run.row + run.count).map(|row| segment.code(row)));
            }
        }
        if codes.is_empty() {
            self.show(state.clone());
        } else {
            self.write(state, parts, &codes)?;
        }
        for number in numbers {
            remove(&*self.directory, number)?;
        }
        Ok(())
    }
}

fn remove(directory: &dyn Directory, number: u64) -> Result<(), IndexError> {
    use tantivy::directory::error::DeleteError;
    match directory.delete(&segment::path(number)) {
        Ok(()) | Err(DeleteError::FileDoesNotExist(_)) => Ok(()),
        Err(DeleteError::IoError { io_error, .. }) => Err(IndexError::Io(io_error)),
    }
}

impl fmt::Debug for Vectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vectors").field("model", &self.model).finish_non_exhaustive()
    }
}
