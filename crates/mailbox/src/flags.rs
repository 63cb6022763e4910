//! Flags: by name where they come in and go out, by number where they are kept.

use std::fmt;
use std::sync::Arc;
use terms::{Flag, Keyword};

/// Most keywords that one mailbox knows. The standard asks for no number; a thousand is what issue trackers need.
pub const MAX_KEYWORDS: usize = 1_024;

/// A set of system flags.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemFlags(u8);

impl SystemFlags {
    /// `\Answered`
    pub const ANSWERED: Self = Self(1);
    /// `\Flagged`
    pub const FLAGGED: Self = Self(2);
    /// `\Deleted`
    pub const DELETED: Self = Self(4);
    /// `\Seen`
    pub const SEEN: Self = Self(8);
    /// `\Draft`
    pub const DRAFT: Self = Self(16);
    /// All of them, with the names that FLAGS and FETCH print.
    pub const NAMED: [(Self, &'static str); 5] = [
        (Self::ANSWERED, "\\Answered"),
        (Self::FLAGGED, "\\Flagged"),
        (Self::DELETED, "\\Deleted"),
        (Self::SEEN, "\\Seen"),
        (Self::DRAFT, "\\Draft"),
    ];
    const ALL: u8 = 31;

    /// The one that a flag is; of one that is none, the keyword.
    ///
    /// # Errors
    /// It is a keyword.
    pub const fn of(flag: &Flag) -> Result<Self, &Keyword> {
        Ok(match flag {
            Flag::Answered => Self::ANSWERED,
            Flag::Flagged => Self::FLAGGED,
            Flag::Deleted => Self::DELETED,
            Flag::Seen => Self::SEEN,
            Flag::Draft => Self::DRAFT,
            Flag::Keyword(keyword) => return Err(keyword),
        })
    }

    /// `None` for bits that mean nothing.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits & !Self::ALL == 0 { Some(Self(bits)) } else { None }
    }

    /// One bit a flag.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether all of `other` are in it.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in either.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMED.into_iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, name)| name)
    }
}

impl fmt::Debug for SystemFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Flags by name: what STORE and APPEND bring and what an event says. No keyword is in it twice. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// The system flags.
    pub system: SystemFlags,
    /// `None` rather than empty.
    keywords: Option<Arc<Vec<Keyword>>>,
}

impl Flags {
    /// None.
    pub const NONE: Self = Self { system: SystemFlags(0), keywords: None };

    /// System flags alone.
    #[must_use]
    pub const fn system(system: SystemFlags) -> Self {
        Self { system, keywords: None }
    }

    /// The caller has made sure that no keyword is there twice.
    pub(crate) fn distinct(system: SystemFlags, keywords: Vec<Keyword>) -> Self {
        Self { system, keywords: if keywords.is_empty() { None } else { Some(Arc::new(keywords)) } }
    }

    /// The keywords, in the order in which they came.
    #[must_use]
    pub fn keywords(&self) -> &[Keyword] {
        self.keywords.as_ref().map_or(&[], |keywords| keywords)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.system.is_empty() && self.keywords.is_none()
    }

    /// Whether the keywords are known at a glance to be the same, without a look at them.
    pub(crate) fn shares_keywords_with(&self, other: &Self) -> bool {
        match (&self.keywords, &other.keywords) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Adds a keyword; a second one that differs only in case is the same.
    pub fn push(&mut self, keyword: Keyword) {
        if !self.keywords().contains(&keyword) {
            Arc::make_mut(self.keywords.get_or_insert_default()).push(keyword);
        }
    }

    /// The same without some system flags.
    #[must_use]
    pub fn without(&self, system: SystemFlags) -> Self {
        Self { system: self.system.without(system), keywords: self.keywords.clone() }
    }
}

impl<'a> FromIterator<&'a Flag> for Flags {
    fn from_iter<I: IntoIterator<Item = &'a Flag>>(flags: I) -> Self {
        let mut all = Self::NONE;
        for flag in flags {
            match SystemFlags::of(flag) {
                Ok(system) => all.system = all.system.with(system),
                Err(keyword) => all.push(keyword.clone()),
            }
        }
        all
    }
}

/// Those of the flags that do not share their keywords with the ones before: nearly always each keyword once, where
/// messages come from one mailbox.
pub(crate) fn changing<'a>(flags: impl IntoIterator<Item = &'a Flags>) -> impl Iterator<Item = &'a Flags> {
    let mut before: Option<&Flags> = None;
    flags.into_iter().filter(|flags| flags.keywords.is_some()).filter(move |flags| {
        let shared = before.is_some_and(|before| before.shares_keywords_with(flags));
        before = Some(flags);
        !shared
    })
}

/// Flags by number: what a message carries. Keywords are numbers in the mailbox's [`Keywords`], ascending.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FlagSet {
    /// The system flags.
    pub system: SystemFlags,
    keywords: Option<Arc<[u16]>>,
}

impl FlagSet {
    /// The numbers of its keywords, ascending.
    #[must_use]
    pub fn keywords(&self) -> &[u16] {
        self.keywords.as_deref().unwrap_or_default()
    }

    /// System flags alone.
    #[must_use]
    pub const fn system(system: SystemFlags) -> Self {
        Self { system, keywords: None }
    }

    /// Sorts and joins the numbers.
    #[must_use]
    pub fn new(system: SystemFlags, mut keywords: Vec<u16>) -> Self {
        keywords.sort_unstable();
        keywords.dedup();
        Self { system, keywords: if keywords.is_empty() { None } else { Some(keywords.into()) } }
    }

    /// The same keywords with other system flags.
    pub(crate) fn with_system(&self, system: SystemFlags) -> Self {
        Self { system, keywords: self.keywords.clone() }
    }

    /// What is in either.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let system = self.system.with(other.system);
        if other.keywords().iter().all(|k| self.has(*k)) {
            return Self { system, keywords: self.keywords.clone() };
        }
        Self::new(system, self.keywords().iter().chain(other.keywords()).copied().collect())
    }

    /// What is in this and not in the other.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let system = self.system.without(other.system);
        if !other.keywords().iter().any(|k| self.has(*k)) {
            return Self { system, keywords: self.keywords.clone() };
        }
        Self::new(system, self.keywords().iter().filter(|k| !other.has(**k)).copied().collect())
    }

    /// Whether the keyword of this number is in it.
    #[must_use]
    pub fn has(&self, keyword: u16) -> bool {
        self.keywords().binary_search(&keyword).is_ok()
    }

    pub(crate) fn heap_octets(&self) -> usize {
        self.keywords.as_ref().map_or(0, |k| size_of_val::<[u16]>(k) + 2 * size_of::<usize>())
    }
}

impl fmt::Debug for FlagSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{:?}", self.system, self.keywords())
    }
}

/// The keywords that a mailbox has met, numbered in that order and never renumbered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keywords {
    names: Vec<Keyword>,
    /// The numbers, sorted by name in lower case: a search that no choice of names makes slow (threat T-27).
    sorted: Vec<u16>,
}

impl Keywords {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether none was met yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// In the order of their numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Keyword> {
        self.names.iter()
    }

    /// The keyword of that number.
    #[must_use]
    pub fn get(&self, number: u16) -> Option<&Keyword> {
        self.names.get(usize::from(number))
    }

    /// The number of a keyword in any case.
    #[must_use]
    pub fn find(&self, keyword: &Keyword) -> Option<u16> {
        self.place(keyword).ok().and_then(|at| self.sorted.get(at).copied())
    }

    /// The keywords of `flags` by number; those that the mailbox has not met are not in the answer.
    #[must_use]
    pub fn known(&self, flags: &Flags) -> FlagSet {
        FlagSet::new(flags.system, flags.keywords().iter().filter_map(|k| self.find(k)).collect())
    }

    /// How many of these keywords are new here.
    #[must_use]
    pub fn unknown<'a>(&self, flags: impl IntoIterator<Item = &'a Flags>) -> usize {
        let mut met = Self::default();
        for keyword in changing(flags).flat_map(Flags::keywords) {
            if self.find(keyword).is_none() {
                met.meet(keyword);
            }
        }
        met.len()
    }

    /// The names of a message's flags, as FETCH prints them.
    pub fn names<'a>(&'a self, flags: &'a FlagSet) -> impl Iterator<Item = &'a str> {
        let keywords = flags.keywords().iter().filter_map(|number| self.get(*number)).map(Keyword::as_str);
        flags.system.names().map(|name| -> &'a str { name }).chain(keywords)
    }

    /// The number of a keyword, which it gets if it has none. Numbers go up to 65,535; the events' decisions and
    /// their application keep to [`MAX_KEYWORDS`].
    pub(crate) fn meet(&mut self, keyword: &Keyword) -> u16 {
        match self.place(keyword) {
            Ok(at) => self.sorted.get(at).copied().unwrap_or_default(),
            Err(at) => {
                let number = u16::try_from(self.names.len()).unwrap_or(u16::MAX);
                self.names.push(keyword.clone());
                self.sorted.insert(at, number);
                number
            }
        }
    }

    fn place(&self, keyword: &Keyword) -> Result<usize, usize> {
        let lower = |k: &Keyword| k.as_str().to_ascii_lowercase();
        let wanted = lower(keyword);
        self.sorted.binary_search_by(|number| match self.get(*number) {
            Some(name) => lower(name).cmp(&wanted),
            None => std::cmp::Ordering::Greater,
        })
    }
}
