//! A message's row, and a leaf of them.

use crate::codec::{DecodeError, Reader, Writer};
use crate::packed::Packed;
use crate::tree::{LEAF_ROWS, Leaf};
use crate::{FlagSet, SystemFlags};
use terms::{EmailId, InternalDate, ModSeq, Uid};

/// What a mailbox knows of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its UID here.
    pub uid: Uid,
    /// Its identity: where its record and body are found (RFC 8474, 5.1).
    pub email: EmailId,
    /// Its flags: as the reader who asked sees them.
    pub flags: FlagSet,
    /// Its MODSEQ: as the reader who asked sees it.
    pub modseq: ModSeq,
    /// RFC 9051, 2.3.3.
    pub internal_date: InternalDate,
    /// RFC822.SIZE, in octets.
    pub size: u64,
    /// When it came into this mailbox, in Unix seconds (RFC 8514).
    pub save_date: i64,
}

impl Row {
    /// SAVEDATE as it is told: in universal time, since nobody wrote it in a zone.
    #[must_use]
    pub fn saved(&self) -> InternalDate {
        InternalDate::new(self.save_date, 0).unwrap_or(InternalDate::EPOCH)
    }
}

/// Rows as everybody sees them: without `\Seen`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MessageLeaf {
    table: Packed<COLUMNS>,
    /// The combinations of flags that occur in this leaf.
    combinations: Box<[FlagSet]>,
}

const COLUMNS: usize = 9;
/// UID minus place: equal in all rows where no UID is missing.
const UID: usize = 0;
const MODSEQ: usize = 1;
/// Place in `combinations`.
const FLAGS: usize = 2;
const SIZE: usize = 3;

/// Keeps the order of signed numbers in unsigned ones.
const fn unsign(value: i64) -> u64 {
    value.cast_unsigned() ^ (1 << 63)
}

const fn sign(value: u64) -> i64 {
    (value ^ (1 << 63)).cast_signed()
}

fn columns(at: usize, row: &Row, flags: usize) -> [u64; COLUMNS] {
    let seconds = row.internal_date.seconds();
    [
        u64::from(row.uid.get()) - at as u64,
        row.modseq.get(),
        flags as u64,
        row.size,
        u64::from(row.email.mailbox),
        // Born here, or copied in order: the same in all rows.
        unsign(i64::from(row.email.uid) - i64::from(row.uid.get())),
        unsign(seconds),
        unsign(i64::from(row.internal_date.zone_minutes())),
        // A delivered message was saved when it came.
        unsign(row.save_date.wrapping_sub(seconds)),
    ]
}

impl MessageLeaf {
    fn combination(&self, at: usize) -> Option<&FlagSet> {
        self.combinations.get(usize::try_from(self.table.cell(at, FLAGS)?).ok()?)
    }

    pub(crate) fn encode(&self, w: &mut Writer) {
        w.number(self.combinations.len() as u64);
        for flags in &self.combinations {
            w.u8(flags.system.bits());
            w.number(flags.keywords().len() as u64);
            flags.keywords().iter().for_each(|k| w.number(u64::from(*k)));
        }
        self.table.encode(w);
    }

    pub(crate) fn decode(r: &mut Reader<'_>, keywords: usize) -> Result<Self, DecodeError> {
        let combinations =
            (0..r.count(2)?).map(|_| read_combination(r, keywords)).collect::<Result<_, _>>()?;
        let leaf = Self { table: Packed::decode(r, LEAF_ROWS)?, combinations };
        if leaf.is_sound() { Ok(leaf) } else { Err(DecodeError::Invalid("a row")) }
    }

    /// Whether every row can be read. The bounds of the columns prove it for most leaves.
    fn is_sound(&self) -> bool {
        let (low, high) = self.table.bounds();
        let last = self.len().saturating_sub(1);
        let bounded =
            unpack(0, low, FlagSet::default()).is_some() && unpack(last, high, FlagSet::default()).is_some();
        let rows = 0..self.len();
        if bounded {
            rows.into_iter().all(|at| self.combination(at).is_some())
        } else {
            rows.into_iter().all(|at| self.row(at).is_some())
        }
    }
}

/// The inverse of [`columns`]: each value rises with its column, but for the flags.
fn unpack(at: usize, row: [u64; COLUMNS], flags: FlagSet) -> Option<Row> {
    let [uid, modseq, _, size, mailbox, shift, seconds, zone, age] = row;
    let uid = Uid::new(u32::try_from(uid.checked_add(at as u64)?).ok()?)?;
    let born = i64::from(uid.get()).checked_add(sign(shift))?;
    let seconds = sign(seconds);
    Some(Row {
        uid,
        email: EmailId { mailbox: u32::try_from(mailbox).ok()?, uid: u32::try_from(born).ok()? },
        flags,
        modseq: ModSeq::new(modseq)?,
        internal_date: InternalDate::new(seconds, i16::try_from(sign(zone)).ok()?)?,
        size,
        save_date: seconds.wrapping_add(sign(age)),
    })
}

fn read_combination(r: &mut Reader<'_>, keywords: usize) -> Result<FlagSet, DecodeError> {
    let system = SystemFlags::from_bits(r.u8()?).ok_or(DecodeError::Invalid("a system flag"))?;
    let numbers = (0..r.count(1)?).map(|_| r.u16()).collect::<Result<Vec<_>, _>>()?;
    if numbers.iter().any(|number| usize::from(*number) >= keywords) {
        return Err(DecodeError::Invalid("a keyword's number"));
    }
    Ok(FlagSet::new(system, numbers))
}

impl Leaf for MessageLeaf {
    type Row = Row;

    fn pack(rows: &[Row]) -> Self {
        let mut combinations: Vec<FlagSet> = Vec::new();
        let mut place = |flags: &FlagSet| {
            combinations.iter().position(|known| known == flags).unwrap_or_else(|| {
                combinations.push(flags.clone());
                combinations.len() - 1
            })
        };
        let table: Vec<_> =
            rows.iter().enumerate().map(|(at, row)| columns(at, row, place(&row.flags))).collect();
        Self { table: Packed::pack(&table), combinations: combinations.into() }
    }

    fn len(&self) -> usize {
        self.table.len()
    }

    fn row(&self, at: usize) -> Option<Row> {
        let row = self.table.row(at)?;
        let combination = self.combinations.get(usize::try_from(*row.get(FLAGS)?).ok()?)?;
        unpack(at, row, combination.clone())
    }

    fn uid(&self, at: usize) -> Option<Uid> {
        let uid = self.table.cell(at, UID)?.checked_add(at as u64)?;
        Uid::new(u32::try_from(uid).ok()?)
    }

    fn uid_of(row: &Row) -> Uid {
        row.uid
    }

    fn modseq(&self, at: usize) -> ModSeq {
        self.table.cell(at, MODSEQ).and_then(ModSeq::new).unwrap_or_default()
    }

    fn is_marked(&self, at: usize) -> bool {
        self.combination(at).is_some_and(|flags| flags.system.contains(SystemFlags::DELETED))
    }

    fn octets(&self, at: usize) -> u64 {
        self.table.cell(at, SIZE).unwrap_or_default()
    }

    fn is_dense(&self) -> bool {
        self.table.is_flat(UID)
    }

    fn heap_octets(&self) -> usize {
        let combinations: usize =
            self.combinations.iter().map(|flags| size_of::<FlagSet>() + flags.heap_octets()).sum();
        self.table.heap_octets() + combinations
    }
}
