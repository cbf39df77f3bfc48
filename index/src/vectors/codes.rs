//! Vectors in a byte a number. With a scale for each vector, the cosine of two of them differs from
//! the exact one by about .001, which changes few ranks, and takes a quarter of the memory.

use std::borrow::Cow;

use fearless_simd::{Level, dispatch};

/// The largest number of a code.
const LARGEST: f32 = 127.0;
/// The largest number of a question's code: as large as sums of products in 32 bits allow.
const LARGEST_ASKED: f32 = 1_023.0;

/// A vector of length 1: `numbers`, as `i8`, times `scale`.
pub(super) struct Code<'a> {
    pub(super) scale: f32,
    pub(super) numbers: Cow<'a, [u8]>,
}

impl Code<'_> {
    pub(super) fn of(vector: &[f32]) -> Self {
        let (factor, scale) = factors(vector, LARGEST);
        let numbers = vector.iter().map(|number| ((number * factor).round() as i8).cast_unsigned());
        Self { scale, numbers: numbers.collect() }
    }
}

/// The vector of a question, more exact than those of passages.
#[derive(Clone)]
pub(super) struct Asked {
    scale: f32,
    numbers: Vec<i16>,
    /// What this processor can do with many numbers at once.
    level: Level,
}

impl Asked {
    pub(super) fn of(vector: &[f32]) -> Self {
        let (factor, scale) = factors(vector, LARGEST_ASKED);
        let numbers = vector.iter().map(|number| (number * factor).round() as i16).collect();
        Self { scale, numbers, level: Level::new() }
    }

    /// The cosine with a code of the same length.
    pub(super) fn cosine(&self, scale: f32, numbers: &[u8]) -> f32 {
        // Compiled for each kind of processor: the oldest does it in four times the time.
        let product = dispatch!(self.level, _simd => product(&self.numbers, numbers));
        product as f32 * self.scale * scale
    }
}

#[inline(always)]
fn product(asked: &[i16], numbers: &[u8]) -> i32 {
    let products = asked.iter().zip(numbers);
    products.map(|(one, other)| i32::from(*one) * i32::from(other.cast_signed())).sum()
}

/// What to multiply a vector's numbers by so that the largest becomes `largest`, and what to
/// multiply the outcome by for a vector of length 1.
fn factors(vector: &[f32], largest: f32) -> (f32, f32) {
    let peak = vector.iter().fold(0.0_f32, |peak, number| peak.max(number.abs()));
    if !(peak > 0.0 && peak.is_finite()) {
        return (0.0, 0.0);
    }
    // Divided first: the squares of large numbers might leave no number.
    let length = vector.iter().map(|number| (number / peak).powi(2)).sum::<f32>().sqrt();
    (largest / peak, 1.0 / (largest * length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(one: &[f32], other: &[f32]) -> f32 {
        let dot = |one: &[f32], other: &[f32]| one.iter().zip(other).map(|(a, b)| a * b).sum::<f32>();
        dot(one, other) / (dot(one, one) * dot(other, other)).sqrt()
    }

    proptest! {
        #[test]
        fn the_cosine_of_codes_is_close_to_the_exact_one(
            one in prop::collection::vec(-1.0_f32..1.0, 64),
            other in prop::collection::vec(-1.0_f32..1.0, 64),
            stretch in 1e-20_f32..1e20,
        ) {
            prop_assume!(one.iter().chain(&other).all(|number| number.abs() > 1e-3));
            let code = Code::of(&one.iter().map(|number| number * stretch).collect::<Vec<_>>());
            let cosine = Asked::of(&other).cosine(code.scale, &code.numbers);
            prop_assert!((cosine - exact(&one, &other)).abs() < 0.01, "{cosine}");
        }
    }

    #[test]
    fn a_vector_of_nothing_is_far_from_everything() {
        for nothing in [[0.0; 3], [f32::NAN; 3], [f32::INFINITY; 3]] {
            let code = Code::of(&nothing);
            assert_eq!(Asked::of(&[1.0, 2.0, 3.0]).cosine(code.scale, &code.numbers), 0.0);
        }
    }
}
