//! How much of its name a question covers decides how much a document's name counts. One ordinary
//! word of `water-quality.csv` says little; a company and its year name a report.

use super::segment::{Run, Segment};
use super::terms::Sought;
use super::whole::{B, K1, Scores, counts};
use crate::error::IndexError;
use crate::query::Place;
use crate::schema::Fields;

/// What passages of each document have scored too much for its name: the score is to go with the
/// square of the share that the terms cover of it.
pub(super) fn excess<'a>(
    segments: &'a [Segment],
    fields: &Fields,
    terms: impl Iterator<Item = &'a Sought>,
) -> Result<Scores<'a>, IndexError> {
    let mut excess = Scores::none(segments);
    let mut num_covered = excess.of_runs.clone();
    let (mut lengths, mut num_words, mut num_passages) = (Vec::new(), 0, 0_u64);
    for segment in segments {
        lengths.push(segment.reader.get_fieldnorms_reader(fields.name)?);
        num_words += segment.terms(Place::Name).total_num_tokens();
        num_passages += u64::from(segment.reader.max_doc());
    }
    let mean_length = num_words.max(1) as f32 / num_passages.max(1) as f32;
    let length_of = |ord: usize, run: &Run| lengths[ord].fieldnorm(run.first).max(1) as f32;
    for sought in terms {
        for (ord, segment) in segments.iter().enumerate() {
            counts(sought, ord, segment, |run, _| {
                let length = length_of(ord, &segment.opened.runs[run]) / mean_length;
                let saturated = (K1 + 1.0) / (1.0 + K1 * (1.0 - B + B * length));
                // What the passages have scored.
                excess.of_runs[ord][run] += sought.weight * sought.idf * saturated;
                num_covered[ord][run] += 1.0;
            })?;
        }
    }
    for (ord, segment) in segments.iter().enumerate() {
        for (number, run) in segment.opened.runs.iter().enumerate() {
            let share = (num_covered[ord][number] / length_of(ord, run)).min(1.0);
            excess.of_runs[ord][number] *= 1.0 - share * share;
        }
    }
    Ok(excess)
}
