//! What a metric can be.

use crate::page::Samples;
use events::{AuthFailure, Word};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Something that a metric can show.
pub(crate) trait Reading {
    /// The values that its label can have.
    fn values() -> Vec<&'static str> {
        Vec::new()
    }

    /// Writes it; nothing where it is not known.
    fn write(&self, samples: &mut Samples<'_>);
}

/// A sum that only grows.
#[derive(Debug, Default)]
pub struct Sum(AtomicU64);

impl Sum {
    pub(crate) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }
}

impl Reading for Sum {
    fn write(&self, samples: &mut Samples<'_>) {
        samples.number(self.0.load(Ordering::Relaxed));
    }
}

/// How often each event was said.
#[derive(Debug)]
pub struct Names(Box<[AtomicU64]>);

impl Names {
    pub(crate) fn add(&self, place: usize) {
        count_one(&self.0, place);
    }
}

impl Default for Names {
    fn default() -> Self {
        Self(zeros(events::Event::NAMES.len()))
    }
}

impl Reading for Names {
    fn write(&self, samples: &mut Samples<'_>) {
        write_counts(&self.0, events::Event::NAMES, samples);
    }
}

/// How often each word of a closed list was met.
#[derive(Debug)]
pub struct Words<W: Word> {
    counts: Box<[AtomicU64]>,
    words: PhantomData<W>,
}

impl<W: Word> Words<W> {
    /// One more, where there is a word.
    pub fn add(&self, word: impl Into<Option<W>>) {
        if let Some(word) = word.into() {
            count_one(&self.counts, word.index());
        }
    }
}

impl<W: Word> Default for Words<W> {
    fn default() -> Self {
        Self { counts: zeros(W::ALL.len()), words: PhantomData }
    }
}

impl<W: Word> Reading for Words<W> {
    fn values() -> Vec<&'static str> {
        words::<W>()
    }

    fn write(&self, samples: &mut Samples<'_>) {
        write_counts(&self.counts, &words::<W>(), samples);
    }
}

fn words<W: Word>() -> Vec<&'static str> {
    W::ALL.iter().map(|word| word.as_str()).collect()
}

fn zeros(count: usize) -> Box<[AtomicU64]> {
    std::iter::repeat_with(AtomicU64::default).take(count).collect()
}

fn count_one(counts: &[AtomicU64], place: usize) {
    if let Some(count) = counts.get(place) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

fn write_counts(counts: &[AtomicU64], names: &[&str], samples: &mut Samples<'_>) {
    for (count, name) in counts.iter().zip(names) {
        samples.labelled(name, count.load(Ordering::Relaxed));
    }
}

impl Reading for u64 {
    fn write(&self, samples: &mut Samples<'_>) {
        samples.number(*self);
    }
}

impl Reading for Duration {
    fn write(&self, samples: &mut Samples<'_>) {
        samples.number(self.as_secs_f64());
    }
}

/// What is not known is left out.
impl<R: Reading> Reading for Option<R> {
    fn values() -> Vec<&'static str> {
        R::values()
    }

    fn write(&self, samples: &mut Samples<'_>) {
        self.iter().for_each(|reading| reading.write(samples));
    }
}

/// A time of the calendar, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// In milliseconds since 1970.
    pub unix_ms: i64,
}

impl Instant {
    #[expect(clippy::cast_precision_loss, reason = "exact up to the year 287396")]
    fn seconds(self) -> f64 {
        self.unix_ms as f64 / 1_000.0
    }
}

impl Reading for Instant {
    fn write(&self, samples: &mut Samples<'_>) {
        samples.number(self.seconds());
    }
}

/// A number for each word of a closed list; words that are not there are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By<W: Word>(pub Vec<(W, u64)>);

impl<W: Word> Reading for By<W> {
    fn values() -> Vec<&'static str> {
        words::<W>()
    }

    fn write(&self, samples: &mut Samples<'_>) {
        self.0.iter().for_each(|(word, number)| samples.labelled(word.as_str(), number));
    }
}

/// When each of the server's own certificates ends, by its name: what the admin has put there, and no stranger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends(BTreeMap<String, Instant>);

impl Ends {
    /// No more are shown: those that end first.
    pub const MAX: usize = 256;

    /// Of these certificates, up to [`Self::MAX`]; of several of one name the first that ends.
    #[must_use]
    pub fn of(ends: impl IntoIterator<Item = (String, Instant)>) -> Self {
        let mut all: Vec<_> = ends.into_iter().collect();
        all.sort_by_key(|(_, end)| end.unix_ms);
        let mut first = BTreeMap::new();
        for (name, end) in all {
            if first.len() < Self::MAX {
                first.entry(name).or_insert(end);
            }
        }
        Self(first)
    }
}

impl Reading for Ends {
    fn write(&self, samples: &mut Samples<'_>) {
        for (name, end) in &self.0 {
            samples.labelled(name, end.seconds());
        }
    }
}

/// How long something took, each time: how often no longer than each bound, how often at all, and how long together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Each bound with how often it took longer than the one before and no longer than this one; shortest first.
    pub buckets: Vec<(Duration, u64)>,
    /// How often it took longer than all of them.
    pub longer: u64,
    /// How long it took together.
    pub sum: Duration,
}

impl Reading for Histogram {
    fn write(&self, samples: &mut Samples<'_>) {
        let mut so_far = 0;
        for (bound, count) in &self.buckets {
            so_far += count;
            samples.bucket(bound.as_secs_f64(), so_far);
        }
        so_far += self.longer;
        samples.bucket("+Inf", so_far);
        samples.suffixed("_sum", self.sum.as_secs_f64());
        samples.suffixed("_count", so_far);
    }
}

/// Which version runs, as a label of the number 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub &'static str);

impl Reading for Version {
    fn write(&self, samples: &mut Samples<'_>) {
        samples.labelled(self.0, 1);
    }
}

/// Whether something is so: 1 or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is.
    Yes,
    /// It is not.
    No,
}

impl Reading for Answer {
    fn write(&self, samples: &mut Samples<'_>) {
        samples.number(u64::from(*self == Self::Yes));
    }
}

macro_rules! words {
    ($(
        $(#[$doc:meta])+
        $name:ident { $( $(#[$word_doc:meta])+ $word:ident = $text:literal, )+ }
    )+) => { $(
        $(#[$doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $( $(#[$word_doc])+ $word, )+
        }

        impl Word for $name {
            const ALL: &'static [Self] = &[$(Self::$word),+];

            fn as_str(self) -> &'static str {
                match self {
                    $( Self::$word => $text, )+
                }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    )+ };
}

words! {
    /// Whether anything that is needed lies where damage is.
    Need {
        /// Something does.
        Needed = "needed",
        /// Nothing does, or it can be made again.
        Needless = "needless",
    }

    /// Why a sign-in failed, as far as everybody may know who can try: what would tell whether somebody has a name, or
    /// whether a password is right, is one word.
    SignInFailure {
        /// Name and password do not let anybody in.
        WrongCredentials = "wrong-credentials",
        /// The mechanism is not one of ours.
        NoMechanism = "no-mechanism",
        /// What was sent does not follow the mechanism.
        Malformed = "malformed",
        /// The client changed its mind.
        Cancelled = "cancelled",
        /// We could not check: too busy, or our fault.
        Unavailable = "unavailable",
    }
}

impl From<AuthFailure> for SignInFailure {
    fn from(why: AuthFailure) -> Self {
        match why {
            AuthFailure::WrongPassword
            | AuthFailure::NoAccount
            | AuthFailure::Disabled
            | AuthFailure::OtherOwner
            | AuthFailure::NoNewAccount
            | AuthFailure::UnboundCertificate
            | AuthFailure::UnusableHash
            | AuthFailure::NotAuthorized
            | AuthFailure::AppPasswordExpired
            | AuthFailure::AppPasswordProtocol
            | AuthFailure::AppPasswordNetwork
            | AuthFailure::OwnPasswordRefused => Self::WrongCredentials,
            AuthFailure::NoMechanism => Self::NoMechanism,
            AuthFailure::Malformed => Self::Malformed,
            AuthFailure::Cancelled => Self::Cancelled,
            AuthFailure::Unavailable => Self::Unavailable,
        }
    }
}
