//! What is sent once a client has said COMPRESS (RFC 4978): one batch of replies, squeezed and flushed.
//!
//! > **Nothing is kept between batches.** A batch is what a session sends before it waits again. Each begins with an
//! > empty dictionary, so an idle connection holds no compressor (a third of a mebibyte), and what stands in one reply
//! > says nothing, by its length, about what stood in an earlier one.
//!
//! A batch ends with a sync flush, so that the client can read all of it at once, and on an octet's boundary, so that
//! the next one can begin anew: to the client it is one stream.

use bytes::Bytes;
use miniz_oxide::DataFormat;
use miniz_oxide::deflate::core::{CompressionStrategy, CompressorOxide, TDEFLFlush, compress_to_output};
use session::outbox::Outbox;
use tokio::task::coop::consume_budget;

/// Batches below this many octets are sent as they are: what a compressor would save is less than the headers around
/// them, and to set one up costs more.
const WORTH_IT: usize = 256;
/// Of 0 to 10. On mail in batches of 16 KiB and more, the first leaves 48 % of the octets and the sixth 45 %, for less
/// than a third of the work.
const LEVEL: u8 = 1;
/// The largest window that the format has, in bits (RFC 1951, 2).
const WINDOW_BITS: u8 = 15;

/// Takes all that waits in `outbox` and gives it as a piece of a DEFLATE stream.
pub(crate) async fn deflate(outbox: &mut Outbox) -> Vec<u8> {
    match u16::try_from(outbox.len()) {
        Ok(octets) if usize::from(octets) < WORTH_IT => stored(octets, outbox),
        _ => squeezed(outbox).await,
    }
}

/// RFC 1951, 3.2.4: a block that is not compressed. It begins where the batch before it ended, on an octet's boundary.
fn stored(octets: u16, outbox: &mut Outbox) -> Vec<u8> {
    const NOT_LAST_AND_STORED: u8 = 0;
    let mut block = vec![NOT_LAST_AND_STORED];
    block.extend(octets.to_le_bytes());
    block.extend((!octets).to_le_bytes());
    pieces(outbox).for_each(|piece| block.extend_from_slice(&piece));
    block
}

async fn squeezed(outbox: &mut Outbox) -> Vec<u8> {
    let (level, window) = (LEVEL, WINDOW_BITS);
    // On the heap: what lives across an await is a part of every future around it, also of those that never compress.
    let mut machine =
        Box::new(CompressorOxide::with_params(DataFormat::Raw, level, CompressionStrategy::Default, window));
    let mut stream = Vec::new();
    let mut take = |octets: &[u8], flush| {
        // Takes every octet, because what it gives is never refused.
        compress_to_output(&mut machine, octets, flush, |squeezed| {
            stream.extend_from_slice(squeezed);
            true
        })
    };
    for piece in pieces(outbox) {
        take(&piece, TDEFLFlush::None);
        // Others have their turn between two pieces.
        consume_budget().await;
    }
    take(&[], TDEFLFlush::Sync);
    stream
}

fn pieces(outbox: &mut Outbox) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(|| outbox.pop())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inflate::Inflater;
    use testkit::dice::Dice;

    fn inflated(inflater: &mut Inflater, stream: Vec<u8>) -> Vec<u8> {
        let mut octets = Vec::new();
        inflater.feed(stream);
        while inflater.inflate(&mut octets).unwrap() > 0 {}
        octets
    }

    #[test]
    fn who_may_compress_is_no_larger_for_it() {
        let octets = size_of_val(&deflate(&mut Outbox::default()));
        assert!(octets <= 512, "{octets}");
    }

    #[tokio::test]
    async fn batches_of_any_size_are_one_stream() {
        let (mut inflater, mut dice) = (Inflater::new(1 << 20), Dice::new(4978));
        for size in [1, 255, 256, 257, 40_000, 3, 0, 200_000, 70_000, 12] {
            let mut outbox = Outbox::default();
            let words: Vec<u8> = (0..size).map(|_| dice.pick(b"FETCH ")).collect();
            for piece in words.chunks(64 << 10) {
                outbox.push(Bytes::copy_from_slice(piece));
            }
            let stream = deflate(&mut outbox).await;
            assert!(outbox.is_empty());
            assert!(stream.len() <= 5 + size.min(256) + size / 2, "{} octets for {size}", stream.len());
            assert!(inflated(&mut inflater, stream) == words, "{size} octets came out otherwise");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_squeezed_grows_by_little() {
        let (mut outbox, mut dice) = (Outbox::default(), Dice::new(1951));
        let noise = dice.octets(60_000);
        outbox.push(noise.clone().into());
        let stream = deflate(&mut outbox).await;
        assert!(stream.len() < noise.len() + 100, "{}", stream.len());
        assert!(inflated(&mut Inflater::new(1 << 20), stream) == noise);
    }
}
