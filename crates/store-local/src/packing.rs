//! Compression of bodies, with what Zstandard needs for it kept at hand: to set that up costs more than a short
//! message does.
//!
//! Each thread that packs or unpacks keeps one of its own. Those are the runtime's workers and the store's own threads:
//! a few, however many sessions there are.

use std::cell::RefCell;
use std::io;
use zstd::bulk::{Compressor, Decompressor};

/// Measured on real mail: level 3 costs as much time and saves 2 % more.
const LEVEL: i32 = 1;

thread_local! {
    static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Packs `octets`.
pub(crate) fn pack(octets: &[u8]) -> io::Result<Vec<u8>> {
    with(&PACKER, || Compressor::new(LEVEL), |packer| packer.compress(octets))
}

/// Unpacks what has `length` octets when it is unpacked.
///
/// # Errors
/// It is no such thing, or longer.
pub(crate) fn unpack(packed: &[u8], length: usize) -> io::Result<Vec<u8>> {
    with(&UNPACKER, Decompressor::new, |unpacker| unpacker.decompress(packed, length))
}

/// Does something with the thread's own tool. After a failure the next one begins with a new tool.
fn with<T, R>(
    kept: &'static std::thread::LocalKey<RefCell<Option<T>>>,
    make: impl FnOnce() -> io::Result<T>,
    work: impl FnOnce(&mut T) -> io::Result<R>,
) -> io::Result<R> {
    let at_hand = kept.try_with(RefCell::take).ok().flatten();
    let mut tool = at_hand.map_or_else(make, Ok)?;
    let done = work(&mut tool)?;
    kept.try_with(|kept| kept.replace(Some(tool))).ok();
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked_again_and_again() {
        for octets in [b"Hello, hello, hello!".repeat(100), vec![0; 1 << 20], vec![]] {
            for _ in 0..3 {
                let packed = pack(&octets).unwrap();
                assert_eq!(unpack(&packed, octets.len()).unwrap(), octets);
            }
        }
    }

    #[test]
    fn what_fails_is_nothing_to_the_next() {
        let octets = b"to be, or not to be, that is the question".repeat(50);
        let packed = pack(&octets).unwrap();
        assert!(unpack(&packed[..packed.len() / 2], octets.len()).is_err());
        assert!(unpack(&packed, octets.len() - 1).is_err());
        assert!(unpack(b"nothing of the kind", 10).is_err());
        assert_eq!(unpack(&packed, octets.len()).unwrap(), octets);
    }
}
