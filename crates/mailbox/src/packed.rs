//! Rows of numbers in as few bits as they need.

use crate::codec::{DecodeError, Reader, Writer};

/// A table of `N` columns. Each column is kept as its lowest value and, row by row, the distance from it in as
/// many bits as the largest distance takes: a column of equal values takes none (frame of reference).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packed<const N: usize> {
    rows: u32,
    lowest: [u64; N],
    bits: [u8; N],
    /// For each column, the bits of a row before it.
    starts: [u16; N],
    row_bits: u16,
    words: Box<[u64]>,
}

impl<const N: usize> Packed<N> {
    pub(crate) fn pack(rows: &[[u64; N]]) -> Self {
        let mut lowest = [u64::MAX; N];
        let mut highest = [0; N];
        for row in rows {
            for ((value, low), high) in row.iter().zip(&mut lowest).zip(&mut highest) {
                *low = (*low).min(*value);
                *high = (*high).max(*value);
            }
        }
        let mut bits = [0; N];
        for ((bits, low), high) in bits.iter_mut().zip(&lowest).zip(&highest) {
            *bits = width(high.saturating_sub(*low));
        }
        let mut packed = Self::empty(rows.len() as u32, lowest, bits);
        packed.words = packed.write(rows);
        packed
    }

    fn empty(rows: u32, lowest: [u64; N], bits: [u8; N]) -> Self {
        let mut row_bits = 0;
        let starts = bits.map(|bits| {
            let start = row_bits;
            row_bits += u16::from(bits);
            start
        });
        Self { rows, lowest, bits, starts, row_bits, words: Box::default() }
    }

    fn write(&self, rows: &[[u64; N]]) -> Box<[u64]> {
        let mut words = Vec::with_capacity(self.word_count());
        let (mut open, mut used) = (0, 0);
        for row in rows {
            for ((value, low), bits) in row.iter().zip(&self.lowest).zip(&self.bits) {
                let (distance, bits) = (value - low, u32::from(*bits));
                open |= distance.checked_shl(used).unwrap_or(0);
                used += bits;
                if used >= 64 {
                    words.push(open);
                    used -= 64;
                    // What did not fit.
                    open = distance.checked_shr(bits - used).unwrap_or(0);
                }
            }
        }
        if used > 0 {
            words.push(open);
        }
        words.into()
    }

    pub(crate) const fn len(&self) -> usize {
        self.rows as usize
    }

    /// Bounds of each column: nothing is below the first or above the second.
    pub(crate) fn bounds(&self) -> ([u64; N], [u64; N]) {
        let mut highest = self.lowest;
        for (value, bits) in highest.iter_mut().zip(self.bits) {
            *value = value.saturating_add(u64::MAX.checked_shr(64 - u32::from(bits)).unwrap_or(0));
        }
        (self.lowest, highest)
    }

    /// Whether every row has the same value in this column.
    pub(crate) fn is_flat(&self, column: usize) -> bool {
        self.bits.get(column) == Some(&0)
    }

    /// One value.
    pub(crate) fn cell(&self, row: usize, column: usize) -> Option<u64> {
        if row >= self.len() {
            return None;
        }
        let at = row * usize::from(self.row_bits) + usize::from(*self.starts.get(column)?);
        Some(self.lowest.get(column)?.wrapping_add(self.bits_at(at, *self.bits.get(column)?)))
    }

    /// One row.
    pub(crate) fn row(&self, row: usize) -> Option<[u64; N]> {
        if row >= self.len() {
            return None;
        }
        let mut values = self.lowest;
        let mut at = row * usize::from(self.row_bits);
        for (value, bits) in values.iter_mut().zip(self.bits) {
            *value = value.wrapping_add(self.bits_at(at, bits));
            at += usize::from(bits);
        }
        Some(values)
    }

    fn bits_at(&self, at: usize, bits: u8) -> u64 {
        if bits == 0 {
            return 0;
        }
        let (word, shift) = (at / 64, at % 64);
        let low = self.words.get(word).copied().unwrap_or_default() >> shift;
        let both = if shift + usize::from(bits) > 64 {
            low | self.words.get(word + 1).copied().unwrap_or_default() << (64 - shift)
        } else {
            low
        };
        both & (u64::MAX >> (64 - bits))
    }

    fn word_count(&self) -> usize {
        (usize::from(self.row_bits) * self.len()).div_ceil(64)
    }

    pub(crate) fn heap_octets(&self) -> usize {
        size_of_val::<[u64]>(&self.words)
    }

    pub(crate) fn encode(&self, w: &mut Writer) {
        w.number(u64::from(self.rows));
        self.lowest.iter().for_each(|low| w.number(*low));
        self.bits.iter().for_each(|bits| w.u8(*bits));
        self.words.iter().for_each(|word| w.word(*word));
    }

    /// Reads a table of 1 to `most` rows.
    pub(crate) fn decode(r: &mut Reader<'_>, most: usize) -> Result<Self, DecodeError> {
        let rows = r.u32()?;
        if rows == 0 || rows as usize > most {
            return Err(DecodeError::Invalid("a leaf's length"));
        }
        let (mut lowest, mut bits) = ([0; N], [0; N]);
        for low in &mut lowest {
            *low = r.number()?;
        }
        for bits in &mut bits {
            *bits = r.u8()?;
        }
        if bits.iter().any(|bits| *bits > 64) {
            return Err(DecodeError::Invalid("a column's width"));
        }
        let mut packed = Self::empty(rows, lowest, bits);
        let octets = r.take(packed.word_count() * 8)?;
        let word = |chunk: &[u8; 8]| u64::from_le_bytes(*chunk);
        packed.words = octets.as_chunks().0.iter().map(word).collect();
        Ok(packed)
    }
}

const fn width(span: u64) -> u8 {
    (64 - span.leading_zeros()) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were_at_every_width() {
        for width in 0..=64_u32 {
            let top = u64::MAX.checked_shr(64 - width).unwrap_or(0);
            let rows: Vec<[u64; 3]> =
                (0..100).map(|i| [i, 7, if i % 3 == 0 { top } else { i & top }]).collect();
            let packed = Packed::pack(&rows);
            for (i, row) in rows.iter().enumerate() {
                assert_eq!(packed.row(i), Some(*row), "width {width}");
                assert_eq!(packed.cell(i, 2), Some(row[2]));
            }
            assert_eq!(packed.row(100), None);
            let mut w = Writer::default();
            packed.encode(&mut w);
            assert_eq!(Packed::decode(&mut Reader::new(&w.octets), 100), Ok(packed));
        }
    }

    #[test]
    fn a_column_of_equal_values_takes_no_bits() {
        let packed = Packed::pack(&[[u64::MAX, 1 << 40]; 1_000]);
        assert_eq!(packed.heap_octets(), 0);
        assert!(packed.is_flat(0));
    }
}
