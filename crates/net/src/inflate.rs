//! What a client sends once it has said COMPRESS (RFC 4978), as octets again.
//!
//! > **Bounded (threat T-18).** At most [`WINDOW_OCTETS`] come out at once, and they go through the same framer and the
//! > same limits as octets that were never compressed. Between two steps others have their turn. The window grows
//! > with what the client has said: one that says little, and idles, costs little.

use bytes::{Buf, Bytes};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use std::fmt;

/// How far back a client may refer (RFC 1951, 2), in octets; also the most that one step gives.
pub(crate) const WINDOW_OCTETS: usize = 32 << 10;
/// What the window begins with, in octets: a few dozen commands.
const FIRST_WINDOW_OCTETS: usize = 1 << 10;
/// What may come out whatever went in, in octets, beside the largest message that is taken: the commands around it, if
/// they are as long as the settings can allow.
const SMALL_TALK_OCTETS: u64 = 16 << 20;
/// Beyond that, how many octets may come out for one that went in. Mail and commands have less than 20; DEFLATE can
/// do 1,032.
const MAX_RATIO: u64 = 200;

/// Reads a DEFLATE stream as it comes.
pub(crate) struct Inflater {
    machine: DecompressorOxide,
    /// Not read yet.
    unread: Bytes,
    /// What came out last: a ring once it has its full size.
    window: Vec<u8>,
    /// What came out since the stream began.
    said: u64,
    taken: u64,
    given: u64,
    /// What may come out whatever went in.
    allowance: u64,
}

/// Says nothing of what was said.
impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inflater(…)")
    }
}

/// The stream cannot be read on: it is not DEFLATE, or blows up beyond what mail does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Garbled;

impl Inflater {
    /// For a client that may send messages of so many octets: one such message, all of one character, is no bomb.
    pub(crate) fn new(largest_message: u64) -> Self {
        Self {
            machine: DecompressorOxide::new(),
            unread: Bytes::new(),
            window: vec![0; FIRST_WINDOW_OCTETS],
            said: 0,
            taken: 0,
            given: 0,
            allowance: largest_message.saturating_add(SMALL_TALK_OCTETS),
        }
    }

    /// Takes what came from the client.
    pub(crate) fn feed(&mut self, octets: Vec<u8>) {
        self.taken += octets.len() as u64;
        self.unread = match self.unread.is_empty() {
            true => octets.into(),
            false => [&*self.unread, &octets].concat().into(),
        };
    }

    /// Appends what comes next, and says how much it is; 0 when more has to be fed first.
    pub(crate) fn inflate(&mut self, into: &mut Vec<u8>) -> Result<usize, Garbled> {
        loop {
            let before = self.unread.len();
            let octets = self.step(into)?;
            if octets > 0 || self.unread.len() == before {
                return Ok(octets);
            }
        }
    }

    fn step(&mut self, into: &mut Vec<u8>) -> Result<usize, Garbled> {
        let (at, flags) = self.make_room();
        let (status, read, octets) = decompress(&mut self.machine, &self.unread, &mut self.window, at, flags);
        self.unread.advance(read);
        into.extend(self.window.iter().skip(at).take(octets));
        self.said += octets as u64;
        self.given += octets as u64;
        match status {
            _ if self.given > self.most() => Err(Garbled),
            TINFLStatus::NeedsMoreInput | TINFLStatus::HasMoreOutput => Ok(octets),
            TINFLStatus::Done => {
                self.begin_anew();
                Ok(octets)
            }
            _ => Err(Garbled),
        }
    }

    fn most(&self) -> u64 {
        self.allowance.saturating_add(MAX_RATIO.saturating_mul(self.taken))
    }

    /// Where the next octets go. Up to its full size the window only grows, so that what lies before the stream's
    /// beginning cannot be referred to.
    fn make_room(&mut self) -> (usize, u32) {
        let said = usize::try_from(self.said).unwrap_or(usize::MAX);
        if said >= WINDOW_OCTETS {
            let at = (self.said % WINDOW_OCTETS as u64) as usize;
            return (at, TINFL_FLAG_HAS_MORE_INPUT);
        }
        if said == self.window.len() {
            self.window.resize(said * 2, 0);
        }
        (said, TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF)
    }

    /// A client may end its stream and begin another: the RFC does not forbid it, and what it means is plain.
    fn begin_anew(&mut self) {
        self.machine = DecompressorOxide::new();
        self.said = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use miniz_oxide::DataFormat;
    use miniz_oxide::deflate::core::{CompressionStrategy, CompressorOxide, TDEFLFlush, compress_to_output};
    use testkit::dice::Dice;

    /// Octets of the largest message.
    const MESSAGE: u64 = 1 << 20;

    /// A client's compressor.
    struct Client(CompressorOxide);

    impl Client {
        fn new(level: u8) -> Self {
            Self(CompressorOxide::with_params(DataFormat::Raw, level, CompressionStrategy::Default, 15))
        }

        fn say(&mut self, octets: &[u8], flush: TDEFLFlush) -> Vec<u8> {
            let mut stream = Vec::new();
            compress_to_output(&mut self.0, octets, flush, |squeezed| {
                stream.extend_from_slice(squeezed);
                true
            });
            stream
        }
    }

    fn read(inflater: &mut Inflater, stream: &[u8]) -> Result<Vec<u8>, Garbled> {
        let mut octets = Vec::new();
        inflater.feed(stream.to_vec());
        while inflater.inflate(&mut octets)? > 0 {}
        Ok(octets)
    }

    #[test]
    fn whatever_is_flushed_in_whatever_way_comes_out_at_once() {
        use TDEFLFlush::{Finish, Full, Partial, PartialOpt, Sync};
        let (mut client, mut inflater) = (Client::new(6), Inflater::new(MESSAGE));
        for (n, flush) in
            [Partial, Sync, Full, PartialOpt, Sync, Partial, Partial, Finish].into_iter().enumerate()
        {
            let command = format!("a{n} FETCH {n}:* (FLAGS UID)\r\n");
            let stream = client.say(command.as_bytes(), flush);
            assert_eq!(read(&mut inflater, &stream), Ok(command.into_bytes()), "{flush:?}");
        }
        // And another stream behind the end of the first.
        let stream = Client::new(1).say(b"b NOOP\r\n", Sync);
        assert_eq!(read(&mut inflater, &stream), Ok(b"b NOOP\r\n".to_vec()));
    }

    #[test]
    fn what_zlib_flushes_partially_comes_out_at_once() {
        // Python: c = zlib.compressobj(6, zlib.DEFLATED, -15); c.compress(line) + c.flush(zlib.Z_PARTIAL_FLUSH), twice.
        let streams: [&[u8]; 2] =
            [b"\x4a\x54\xf0\xf3\xf7\x0f\xe0\xe5\x02\x08", b"\xa0\x24\x05\x4f\x17\x1f\x57\x5e\x2e\x80\x00"];
        let mut inflater = Inflater::new(MESSAGE);
        for (stream, line) in streams.into_iter().zip(["a NOOP\r\n", "b IDLE\r\n"]) {
            assert_eq!(read(&mut inflater, stream), Ok(line.into()));
        }
    }

    #[test]
    fn any_words_cut_anywhere_are_read_as_they_were_said() {
        for seed in 0..40 {
            let mut dice = Dice::new(seed);
            let (mut client, mut inflater) = (Client::new(dice.below(10_u8)), Inflater::new(MESSAGE));
            let (mut said, mut stream) = (Vec::new(), Vec::new());
            for _ in 0..20 {
                let words: Vec<u8> = (0..dice.below(9_000)).map(|_| dice.pick(b"ab c\r\n")).collect();
                let flush = [TDEFLFlush::None, TDEFLFlush::Partial, TDEFLFlush::Sync, TDEFLFlush::Full];
                stream.extend(client.say(&words, dice.pick(&flush)));
                said.extend(words);
            }
            stream.extend(client.say(b"", TDEFLFlush::Finish));
            let mut heard = Vec::new();
            while !stream.is_empty() {
                let cut = (1 + dice.below(700_usize)).min(stream.len());
                let piece: Vec<u8> = stream.drain(..cut).collect();
                heard.extend(read(&mut inflater, &piece).unwrap());
            }
            assert!(heard == said, "seed {seed}");
        }
    }

    #[test]
    fn noise_is_refused_or_read_and_never_more() {
        for seed in 0..2_000 {
            let mut dice = Dice::new(seed);
            let _ = read(&mut Inflater::new(MESSAGE), &dice.octets(200));
        }
        // A reference to what was never said (RFC 1951, 3.2.3).
        assert_eq!(read(&mut Inflater::new(MESSAGE), &[0x4b, 0x04, 0x12, 0x00, 0xff]), Err(Garbled));
        assert_eq!(read(&mut Inflater::new(MESSAGE), b"a NOOP\r\n"), Err(Garbled));
    }

    #[test]
    fn a_client_that_says_little_costs_little_and_one_that_says_much_costs_no_more_than_a_window() {
        let (mut client, mut inflater) = (Client::new(6), Inflater::new(MESSAGE));
        read(&mut inflater, &client.say(&[b'a'; 900], TDEFLFlush::Sync)).unwrap();
        let held = |inflater: &Inflater| size_of::<Inflater>() + inflater.window.capacity();
        assert!(held(&inflater) <= 12 << 10, "{}", held(&inflater));
        read(&mut inflater, &client.say(&vec![b'a'; 1 << 20], TDEFLFlush::Sync)).unwrap();
        assert!(held(&inflater) <= 44 << 10, "{}", held(&inflater));
    }

    /// How much comes out of many times the same octet, in small pieces, before the stream is stopped.
    fn let_out(largest_message: u64, said: u64) -> u64 {
        let mut client = Client::new(9);
        let mebibyte = vec![0; 1 << 20];
        let mut bomb: Vec<u8> =
            (0..said >> 20).flat_map(|_| client.say(&mebibyte, TDEFLFlush::None)).collect();
        bomb.extend(client.say(b"", TDEFLFlush::Sync));
        let mut inflater = Inflater::new(largest_message);
        inflater.feed(bomb);
        let (mut let_out, mut piece) = (0, Vec::new());
        while let Ok(octets) = inflater.inflate(&mut piece) {
            assert!(octets <= WINDOW_OCTETS);
            if octets == 0 {
                break;
            }
            piece.clear();
            let_out += octets as u64;
        }
        let_out
    }

    #[test]
    fn t_18_a_bomb_comes_out_in_small_pieces_and_is_stopped() {
        let said = 128 << 20;
        let stopped = let_out(MESSAGE, said);
        assert!((1 << 20..said / 2).contains(&stopped), "{stopped}");
    }

    #[test]
    fn the_largest_message_that_is_taken_comes_out_though_it_is_all_of_one_character() {
        for said in [16 << 20, 128 << 20] {
            assert_eq!(let_out(said, said), said);
        }
        assert_eq!(let_out(u64::MAX, 1 << 20), 1 << 20);
    }
}
