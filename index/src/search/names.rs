//! How much of its name a question covers decides how much a document's name counts. One ordinary
//! word of `water-quality.csv` says little; a company and its year name a report.

use tantivy::Searcher;

use super::terms::Sought;
use super::whole::{B, Documents, K1, Run, Scores, counts};
use crate::error::IndexError;
use crate::schema::Fields;

impl Documents {
    /// What passages of each document have scored too much for its name: the score is to go with the
    /// square of the share that the terms cover of it.
    pub(super) fn excess_of_names<'a>(
        &self,
        searcher: &Searcher,
        fields: &Fields,
        terms: impl Iterator<Item = &'a Sought>,
    ) -> Result<Scores<'_>, IndexError> {
        let segments = self.runs(searcher);
        let mut excess: Vec<Vec<f32>> = segments.iter().map(|runs| vec![0.0; runs.len()]).collect();
        let mut num_covered: Vec<Vec<f32>> = excess.clone();
        let (mut lengths, mut num_words, mut num_passages) = (Vec::new(), 0, 0_u64);
        for segment in searcher.segment_readers() {
            lengths.push(segment.get_fieldnorms_reader(fields.name)?);
            num_words += segment.inverted_index(fields.name)?.total_num_tokens();
            num_passages += u64::from(segment.max_doc());
        }
        let mean_length = num_words.max(1) as f32 / num_passages.max(1) as f32;
        let length_of = |ord: usize, run: &Run| lengths[ord].fieldnorm(run.first).max(1) as f32;
        for sought in terms {
            for (ord, (segment, runs)) in searcher.segment_readers().iter().zip(&segments).enumerate() {
                counts(segment, &sought.term, runs, |run, _| {
                    let length = length_of(ord, &runs[run]) / mean_length;
                    let saturated = (K1 + 1.0) / (1.0 + K1 * (1.0 - B + B * length));
                    // What the passages have scored.
                    excess[ord][run] += sought.weight * sought.idf * saturated;
                    num_covered[ord][run] += 1.0;
                })?;
            }
        }
        for (ord, runs) in segments.iter().enumerate() {
            for (number, run) in runs.iter().enumerate() {
                let share = (num_covered[ord][number] / length_of(ord, run)).min(1.0);
                excess[ord][number] *= 1.0 - share * share;
            }
        }
        Ok(Scores { segments, scores: excess })
    }
}
