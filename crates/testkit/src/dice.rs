//! Numbers that look random and come again with their seed.

/// SplitMix64: small, fast, and the same on every machine.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall as `seed` says.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 where that is 0.
    ///
    /// # Panics
    ///
    /// If `bound` is negative.
    pub fn below<N: TryFrom<u64> + TryInto<u64>>(&mut self, bound: N) -> N {
        let Ok(bound) = bound.try_into() else { panic!("nothing is below a negative bound") };
        let Ok(number) = N::try_from(self.any() % bound.max(1)) else {
            unreachable!("it is below the bound")
        };
        number
    }

    /// Yes in `percent` of a hundred throws.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Yes in one of `sides` throws.
    pub fn one_in(&mut self, sides: u64) -> bool {
        self.below(sides) == 0
    }

    /// One of them.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Some of them, often few.
    pub fn some<T: Copy>(&mut self, from: &[T]) -> Vec<T> {
        let odds = self.pick(&[1, 2, 4]);
        from.iter().copied().filter(|_| self.one_in(odds)).collect()
    }

    /// Octets that do not compress.
    pub fn octets(&mut self, count: usize) -> Vec<u8> {
        let mut octets = Vec::with_capacity(count + 8);
        while octets.len() < count {
            octets.extend_from_slice(&self.any().to_le_bytes());
        }
        octets.truncate(count);
        octets
    }
}
