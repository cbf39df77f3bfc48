//! The functions between the matrices, written so that a compiler can do several numbers at once.

use ndarray::{Array1, ArrayViewMut2};

/// The exponential function, for arguments up to 0 as they come in a softmax and under a bell
/// curve; the relative error is below 3e-7. `f32::exp` is a call for each number.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding this number leaves no room for digits after the point: a rounding without a branch.
    const ROUND: f32 = 12_582_912.0;
    let x = x.max(-87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    // ln 2 in two parts, the first of few digits, so that nothing is lost in the product.
    let rest = x - whole * 0.693_359_4 + whole * 2.121_944_4e-4;
    // The Taylor series, for |rest| up to ln(2)/2.
    let series = 1.0 / 720.0;
    let series = series * rest + 1.0 / 120.0;
    let series = series * rest + 1.0 / 24.0;
    let series = series * rest + 1.0 / 6.0;
    let series = series * rest + 0.5;
    let series = series * rest + 1.0;
    let series = series * rest + 1.0;
    series * f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000))
}

/// The error function, by formula 7.1.26 of Abramowitz and Stegun; the error is below 1.5e-7.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let size = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * size);
    let sum = 1.061_405_4;
    let sum = sum * t - 1.453_152;
    let sum = sum * t + 1.421_413_7;
    let sum = sum * t - 0.284_496_74;
    let sum = sum * t + 0.254_829_6;
    (1.0 - sum * t * exp(-size * size)).copysign(x)
}

/// Adds `bias` to each row, and puts each number through the Gaussian error linear unit.
pub(super) fn gelu(mut rows: ArrayViewMut2<'_, f32>, bias: &Array1<f32>) {
    const SQRT_HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
    for mut row in rows.rows_mut() {
        row.zip_mut_with(bias, |x, bias| {
            let sum = *x + bias;
            *x = 0.5 * sum * (1.0 + erf(sum * SQRT_HALF));
        });
    }
}

/// Makes each row positive with a sum of 1, after it is multiplied by `scale`.
pub(super) fn softmax(mut rows: ArrayViewMut2<'_, f32>, scale: f32) {
    for mut row in rows.rows_mut() {
        let most = row.fold(f32::MIN, |most, x| most.max(*x));
        row.mapv_inplace(|x| exp((x - most) * scale));
        let sum = row.sum();
        row /= sum;
    }
}

/// Brings each row to mean 0 and variance 1, then stretches and moves it.
pub(super) fn normalise(
    mut rows: ArrayViewMut2<'_, f32>,
    stretch: &Array1<f32>,
    shift: &Array1<f32>,
    epsilon: f32,
) {
    for mut row in rows.rows_mut() {
        let length = row.len() as f32;
        let mean = row.sum() / length;
        row -= mean;
        let variance = row.dot(&row) / length;
        row /= (variance + epsilon).sqrt();
        row *= stretch;
        row += shift;
    }
}

#[cfg(test)]
mod tests {
    use super::{erf, exp};

    #[test]
    fn the_exponential_function_is_as_exact_as_its_type() {
        for number in 0..=8_700 {
            let x = number as f32 / -100.0;
            let exact = f64::from(x).exp();
            assert!((f64::from(exp(x)) / exact - 1.0).abs() < 3e-7, "exp({x})");
        }
        assert_eq!(exp(-1000.0), exp(-87.0));
    }

    #[test]
    fn the_error_function_is_odd_and_known() {
        for (x, known) in [(0.0, 0.0), (0.5, 0.520_499_9), (1.0, 0.842_700_8), (2.0, 0.995_322_3), (6.0, 1.0)]
        {
            assert!((erf(x) - known).abs() < 3e-7, "erf({x}) = {}", erf(x));
            assert!((erf(-x) + known).abs() < 3e-7);
        }
    }
}
