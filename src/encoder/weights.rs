//! The numbers in `model.safetensors`, by name, as f32 whatever they are stored as.

use ndarray::{Array1, Array2};
use safetensors::{Dtype, SafeTensors};

/// The tensors of a file.
pub(crate) struct Weights<'a> {
    tensors: SafeTensors<'a>,
    /// What the names of the encoder's tensors begin with; those of what stands upon it may not.
    prefix: &'static str,
}

impl<'a> Weights<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| format!("is damaged: {error}"))?;
        let embeddings = "embeddings.word_embeddings.weight";
        let prefix = ["", "bert."];
        let prefix =
            prefix.into_iter().find(|prefix| tensors.tensor(&format!("{prefix}{embeddings}")).is_ok());
        let prefix = prefix.ok_or_else(|| format!("has no `{embeddings}`, which such a model has"))?;
        Ok(Self { tensors, prefix })
    }

    /// A matrix of `columns` columns.
    pub(crate) fn matrix(&self, name: &str, columns: usize) -> Result<Array2<f32>, String> {
        let (numbers, shape) = self.numbers(name)?;
        let [rows, found] = shape[..] else {
            return Err(format!("has `{name}` with shape {shape:?}, not a matrix"));
        };
        if found != columns {
            return Err(format!("has `{name}` with {found} columns, `config.json` says {columns}"));
        }
        Array2::from_shape_vec((rows, columns), numbers)
            .map_err(|error| format!("has a broken `{name}`: {error}"))
    }

    pub(crate) fn vector(&self, name: &str, length: usize) -> Result<Array1<f32>, String> {
        let (numbers, _) = self.numbers(name)?;
        match numbers.len() == length {
            true => Ok(numbers.into()),
            false => Err(format!("has `{name}` of length {}, `config.json` says {length}", numbers.len())),
        }
    }

    fn numbers(&self, name: &str) -> Result<(Vec<f32>, Vec<usize>), String> {
        let tensor = self.tensors.tensor(&format!("{}{name}", self.prefix));
        let tensor = tensor.or_else(|_| self.tensors.tensor(name));
        let tensor = tensor.map_err(|_| format!("has no `{name}`, which such a model has"))?;
        let bytes = tensor.data();
        let numbers: Vec<f32> = match tensor.dtype() {
            Dtype::F32 => bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            Dtype::F16 => {
                bytes.as_chunks().0.iter().map(|bytes| from_half(u16::from_le_bytes(*bytes))).collect()
            }
            Dtype::BF16 => {
                let wide = |bytes: &[u8; 2]| f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16);
                bytes.as_chunks().0.iter().map(wide).collect()
            }
            other => return Err(format!("has `{name}` as {other:?}: f32, f16 or bf16 is wanted")),
        };
        if numbers.iter().any(|number| !number.is_finite()) {
            return Err(format!("has numbers in `{name}` that are none"));
        }
        Ok((numbers, tensor.shape().to_vec()))
    }
}

/// An IEEE 754 number of 16 bits.
fn from_half(half: u16) -> f32 {
    let sign = if half & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(half >> 10 & 0x1f), f32::from(half & 0x3ff));
    sign * match exponent {
        0 => fraction * 2_f32.powi(-24),
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::from_half;

    #[test]
    fn half_precision_is_read_exactly() {
        let known = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x0001, 5.960_464_5e-8),
            (0x7bff, 65504.0),
        ];
        for (bits, value) in known {
            assert_eq!(from_half(bits), value);
        }
    }
}
