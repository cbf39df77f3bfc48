//! What is kept of each passage beside its terms, read by column: which one it is, and whether a
//! scope admits it.

use std::collections::HashSet;
use std::sync::Arc;

use tantivy::columnar::{Column, ColumnValues, StrColumn};
use tantivy::{DocId, SegmentReader};

use super::segment::Segment;
use crate::error::IndexError;
use crate::passage::Scope;
use crate::schema::{COLLECTION, DOCUMENT_HIGH, DOCUMENT_LOW, ORDINAL, VERSION_OF};

/// The documents and positions of a segment's passages.
pub(super) struct Ids {
    high: Arc<dyn ColumnValues<u64>>,
    low: Arc<dyn ColumnValues<u64>>,
    ordinal: Arc<dyn ColumnValues<u64>>,
}

impl Ids {
    pub(super) fn open(segment: &SegmentReader) -> Result<Self, IndexError> {
        let columns = segment.fast_fields();
        let values = |name| columns.column_first_or_default(name);
        Ok(Self { high: values(DOCUMENT_HIGH)?, low: values(DOCUMENT_LOW)?, ordinal: values(ORDINAL)? })
    }

    pub(super) fn of(&self, passage: DocId) -> (u128, u64) {
        let (high, low) = (self.high.get_val(passage), self.low.get_val(passage));
        (u128::from(high) << 64 | u128::from(low), self.ordinal.get_val(passage))
    }

    pub(super) fn ordinal(&self, passage: DocId) -> u32 {
        u32::try_from(self.ordinal.get_val(passage)).unwrap_or(u32::MAX)
    }
}

/// The versions of a segment's passages.
pub(super) struct Versions(StrColumn);

impl Versions {
    pub(super) fn open(segment: &SegmentReader) -> Result<Self, IndexError> {
        let column = segment.fast_fields().str(VERSION_OF)?;
        column.map(Self).ok_or_else(|| IndexError::Damaged("a segment has no versions".to_owned()))
    }

    pub(super) fn of(&self, passage: DocId) -> Result<String, IndexError> {
        let mut version = String::new();
        let ord = self.0.ords().first(passage);
        let ord = ord.ok_or_else(|| IndexError::Damaged(format!("passage {passage} has no version")))?;
        self.0.ord_to_str(ord, &mut version)?;
        Ok(version)
    }
}

/// The collections of a segment's passages; none if no passage of it is in one.
pub(super) struct Collections(Option<StrColumn>);

impl Collections {
    pub(super) fn open(segment: &SegmentReader) -> Result<Self, IndexError> {
        Ok(Self(segment.fast_fields().str(COLLECTION)?))
    }
}

/// A scope made ready for looking things up in it.
pub(super) struct Filter<'a> {
    documents: Option<HashSet<u128>>,
    collections: Option<&'a [String]>,
}

impl<'a> Filter<'a> {
    pub(super) fn new(scope: &'a Scope) -> Self {
        let documents = scope.documents.as_ref();
        Self {
            documents: documents.map(|documents| documents.iter().map(uuid::Uuid::as_u128).collect()),
            collections: scope.collections.as_deref(),
        }
    }

    /// Makes the filter ready for a segment; `None` if nothing of the segment can be in scope.
    pub(super) fn on<'f>(&'f self, segment: &'f Segment) -> Result<Option<SegmentFilter<'f>>, IndexError> {
        let documents = self.documents.as_ref();
        if documents.is_some_and(HashSet::is_empty) {
            return Ok(None);
        }
        let Some(names) = self.collections else {
            return Ok(Some(SegmentFilter { segment, documents, collections: None }));
        };
        let Collections(Some(column)) = &segment.opened.collections else {
            return Ok(None);
        };
        let mut admitted = Vec::new();
        for name in names {
            admitted.extend(column.dictionary().term_ord(name)?);
        }
        admitted.sort_unstable();
        Ok(Some(SegmentFilter { segment, documents, collections: Some((column.ords(), admitted)) }))
    }
}

/// Which passages of a segment are alive and in scope.
pub(super) struct SegmentFilter<'a> {
    segment: &'a Segment,
    documents: Option<&'a HashSet<u128>>,
    /// The numbers of those that are in scope, in order.
    collections: Option<(&'a Column<u64>, Vec<u64>)>,
}

impl SegmentFilter<'_> {
    pub(super) fn admits(&self, passage: DocId, document: u128) -> bool {
        let in_collection = |(column, admitted): &(&Column<u64>, Vec<u64>)| {
            column.values_for_doc(passage).any(|ord| admitted.binary_search(&ord).is_ok())
        };
        !self.segment.reader.is_deleted(passage)
            && self.documents.is_none_or(|documents| documents.contains(&document))
            && self.collections.as_ref().is_none_or(in_collection)
    }
}
