//! Rows of numbers in as few bits as they need.

use crate::codec::{DecodeError, Reader, Writer};
use std::ops::Range;

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
        let (lowest, bits) = frame(rows);
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
        let mut words = Words::with_room_for(self.word_count());
        for row in rows {
            for ((value, low), bits) in row.iter().zip(&self.lowest).zip(&self.bits) {
                words.push(value - low, *bits);
            }
        }
        words.finish()
    }

    /// The same with other values in `M` columns that lie beside each other, from `first` on, one for each row. What
    /// lies before and behind them is copied as it is.
    pub(crate) fn with_columns<const M: usize>(&self, first: usize, rows: &[[u64; M]]) -> Self {
        let (lowest, bits) = frame(rows);
        let mut packed = self.framed(first, &lowest, &bits);
        if packed.bits == self.bits && bits == [0; M] {
            packed.words.clone_from(&self.words);
            return packed;
        }
        let before = self.start(first);
        let behind = self.start(first + M);
        let mut words = Words::with_room_for(packed.word_count());
        for (at, row) in rows.iter().enumerate() {
            let at = at * usize::from(self.row_bits);
            self.copy(at, before, &mut words);
            for ((value, low), bits) in row.iter().zip(&lowest).zip(&bits) {
                words.push(value - low, *bits);
            }
            self.copy(at + behind, usize::from(self.row_bits) - behind, &mut words);
        }
        packed.words = words.finish();
        packed
    }

    /// The same with other values in one row, in `M` columns from `first` on; `None` where one does not fit into its
    /// column as that is framed. A column may be framed wider than it has to be afterwards.
    pub(crate) fn with_cells<const M: usize>(
        &self,
        row: usize,
        first: usize,
        cells: [u64; M],
    ) -> Option<Self> {
        let mut patched = self.clone();
        for (column, value) in (first..).zip(cells) {
            let bits = *self.bits.get(column)?;
            let distance = value.checked_sub(*self.lowest.get(column)?)?;
            if row >= self.len() || width(distance) > bits {
                return None;
            }
            let at = row * usize::from(self.row_bits) + self.start(column);
            patched.put_bits(at, bits, distance);
        }
        Some(patched)
    }

    fn put_bits(&mut self, at: usize, bits: u8, value: u64) {
        if bits == 0 {
            return;
        }
        let mask = u64::MAX >> (64 - bits);
        let (word, shift) = (at / 64, at % 64);
        if let Some(low) = self.words.get_mut(word) {
            *low = *low & !(mask << shift) | value << shift;
        }
        if shift + usize::from(bits) > 64
            && let Some(high) = self.words.get_mut(word + 1)
        {
            *high = *high & !(mask >> (64 - shift)) | value >> (64 - shift);
        }
    }

    /// Without its words: what lies in some columns, from `first` on, is framed anew.
    fn framed(&self, first: usize, new_lowest: &[u64], new_bits: &[u8]) -> Self {
        let (mut lowest, mut bits) = (self.lowest, self.bits);
        lowest.iter_mut().skip(first).zip(new_lowest).for_each(|(place, new)| *place = *new);
        bits.iter_mut().skip(first).zip(new_bits).for_each(|(place, new)| *place = *new);
        Self::empty(self.rows, lowest, bits)
    }

    /// How many bits of a row lie before a column; behind the last column, all.
    fn start(&self, column: usize) -> usize {
        usize::from(self.starts.get(column).copied().unwrap_or(self.row_bits))
    }

    fn copy(&self, mut at: usize, mut bits: usize, to: &mut Words) {
        while bits > 0 {
            let now = bits.min(64);
            to.push(self.bits_at(at, now as u8), now as u8);
            at += now;
            bits -= now;
        }
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
    #[inline]
    pub(crate) fn cell(&self, row: usize, column: usize) -> Option<u64> {
        if row >= self.len() {
            return None;
        }
        let at = row * usize::from(self.row_bits) + usize::from(*self.starts.get(column)?);
        Some(self.lowest.get(column)?.wrapping_add(self.bits_at(at, *self.bits.get(column)?)))
    }

    /// One row.
    #[inline]
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

    /// All rows.
    pub(crate) fn rows(&self) -> Vec<[u64; N]> {
        let mut rows = vec![self.lowest; self.len()];
        for (column, bits) in self.bits.into_iter().enumerate().filter(|(_, bits)| *bits > 0) {
            let mut at = self.start(column);
            for value in rows.iter_mut().filter_map(|row| row.get_mut(column)) {
                *value = value.wrapping_add(self.bits_at(at, bits));
                at += usize::from(self.row_bits);
            }
        }
        rows
    }

    /// Rows of which this is true. A value in the column `rising` counts from the place of its row, and does so
    /// afterwards.
    pub(crate) fn pick(&self, rising: usize, is_wanted: impl Fn(usize) -> bool) -> Vec<[u64; N]> {
        let mut picked = self.rows();
        let (mut at, mut moved) = (0, 0);
        picked.retain_mut(|row| {
            let stays = is_wanted(at);
            row.get_mut(rising).into_iter().for_each(|value| *value += moved);
            moved += u64::from(!stays);
            at += 1;
            stays
        });
        picked
    }

    /// The values of one column.
    pub(crate) fn column(&self, column: usize) -> impl Iterator<Item = u64> {
        self.cells(column, 0..self.len())
    }

    /// The same of some rows.
    pub(crate) fn cells(&self, column: usize, rows: Range<usize>) -> impl Iterator<Item = u64> {
        let bits = self.bits.get(column).copied().unwrap_or_default();
        let low = self.lowest.get(column).copied().unwrap_or_default();
        let start = self.start(column);
        let place = move |row| row * usize::from(self.row_bits) + start;
        rows.map(move |row| low.wrapping_add(self.bits_at(place(row), bits)))
    }

    /// The highest value of a column.
    pub(crate) fn highest(&self, column: usize) -> u64 {
        if self.is_flat(column) {
            return self.lowest.get(column).copied().unwrap_or_default();
        }
        self.column(column).max().unwrap_or_default()
    }

    #[inline]
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

/// Bits behind each other.
struct Words {
    full: Vec<u64>,
    open: u64,
    used: u32,
}

impl Words {
    fn with_room_for(words: usize) -> Self {
        Self { full: Vec::with_capacity(words), open: 0, used: 0 }
    }

    /// Adds the lowest bits of a value that has no others.
    fn push(&mut self, value: u64, bits: u8) {
        self.open |= value.checked_shl(self.used).unwrap_or(0);
        self.used += u32::from(bits);
        if self.used >= 64 {
            self.full.push(self.open);
            self.used -= 64;
            // What did not fit.
            self.open = value.checked_shr(u32::from(bits) - self.used).unwrap_or(0);
        }
    }

    fn finish(mut self) -> Box<[u64]> {
        if self.used > 0 {
            self.full.push(self.open);
        }
        self.full.into()
    }
}

/// The lowest value of each column, and how many bits the distance to the highest takes.
fn frame<const N: usize>(rows: &[[u64; N]]) -> ([u64; N], [u8; N]) {
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
    (lowest, bits)
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
    fn columns_are_replaced_as_if_all_had_been_packed_anew() {
        for width in 0..=64_u32 {
            let top = u64::MAX.checked_shr(64 - width).unwrap_or(0);
            let old: Vec<[u64; 4]> = (0..100).map(|i| [i & top, top - (i & top), i / 50, top]).collect();
            let packed = Packed::pack(&old);
            assert_eq!(packed.rows(), old);
            for new_width in [0, 1, 13, 64] {
                let top = u64::MAX.checked_shr(64 - new_width).unwrap_or(0);
                let new: Vec<[u64; 2]> = (0..100).map(|i| [top - (i & top), 9]).collect();
                for first in 0..=2 {
                    let mut rows = old.clone();
                    for (row, new) in rows.iter_mut().zip(&new) {
                        row[first..first + 2].copy_from_slice(new);
                    }
                    assert_eq!(packed.with_columns(first, &new), Packed::pack(&rows), "{width} {new_width}");
                }
            }
            for column in 0..4 {
                assert!(packed.column(column).eq(old.iter().map(|row| row[column])));
                assert_eq!(packed.highest(column), old.iter().map(|row| row[column]).max().unwrap());
            }
        }
    }

    #[test]
    fn a_cell_is_replaced_where_it_fits_and_nothing_beside_it() {
        for width in 0..=64_u32 {
            let top = u64::MAX.checked_shr(64 - width).unwrap_or(0);
            let rows: Vec<[u64; 3]> =
                (0..50).map(|i| [i, if i % 3 == 0 { top } else { (i - 1) & top }, 7]).collect();
            let packed = Packed::pack(&rows);
            for at in 0..50 {
                for value in [0, top / 2, top] {
                    let patched = packed.with_cells(at, 1, [value, 7]).unwrap();
                    let mut want = rows.clone();
                    want[at][1] = value;
                    assert_eq!(patched.rows(), want, "width {width}");
                }
                assert_eq!(packed.with_cells(at, 1, [0, 8]), None, "a flat column has no room");
                assert_eq!(packed.with_cells(at, 1, [0, 6]), None, "nor is anything below the lowest");
            }
            assert_eq!(packed.with_cells(50, 1, [0, 7]), None);
        }
    }

    #[test]
    fn a_column_of_equal_values_takes_no_bits() {
        let packed = Packed::pack(&[[u64::MAX, 1 << 40]; 1_000]);
        assert_eq!(packed.heap_octets(), 0);
        assert!(packed.is_flat(0));
    }
}
