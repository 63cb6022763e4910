//! Fixed-width numbers in a buffer of octets: little-endian, and never a panic on a short one.

/// The `N` octets at `at`.
pub(crate) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// The number of 16 bits at `at`.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array_at(bytes, at).map(u16::from_le_bytes)
}

/// The number of 32 bits at `at`.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

/// The number of 64 bits at `at`.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array_at(bytes, at).map(u64::from_le_bytes)
}

/// Splits octets that end with the checksum of what is before it, and checks it.
pub(crate) fn checked(bytes: &[u8], seed: u64) -> Option<&[u8]> {
    let (content, sum) = bytes.split_last_chunk::<8>()?;
    (xxhash_rust::xxh3::xxh3_64_with_seed(content, seed).to_le_bytes() == *sum).then_some(content)
}

/// Puts the checksum of everything from `from` on behind it.
pub(crate) fn push_checksum(bytes: &mut Vec<u8>, from: usize, seed: u64) {
    let sum = xxhash_rust::xxh3::xxh3_64_with_seed(bytes.get(from..).unwrap_or_default(), seed);
    bytes.extend_from_slice(&sum.to_le_bytes());
}
