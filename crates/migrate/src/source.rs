//! What every source is: folders, and a reader that pours them out, message by message.

use crate::pour::Pour;
use crate::trouble::Trouble;
use mailbox::account::SpecialUses;
use std::future::Future;
use terms::MailboxName;

/// A folder at a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// What it is called there, as its owner reads it.
    pub at_source: String,
    /// The name that fits here: levels parted by `/`.
    pub name: MailboxName,
    /// What it is for, where the source says so.
    pub special_uses: SpecialUses,
    /// Whether its owner wants to see it.
    pub is_subscribed: bool,
    /// Something about it for the report.
    pub note: Option<String>,
}

/// A folder that is left out unless it is asked for, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The folder; `None` where not even its name can be read.
    pub folder: Option<Folder>,
    /// What stands in the report.
    pub what: String,
    /// Why.
    pub why: String,
}

/// What a source has.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    /// These are brought.
    pub brought: Vec<Folder>,
    /// These are not.
    pub left_out: Vec<LeftOut>,
}

/// Where mail comes from.
pub trait Source: Sync {
    /// What reads its folders.
    type Reader: Reader;

    /// A word for it that is the same at the next run.
    fn identity(&self) -> String;

    /// What it has.
    fn folders(&self) -> impl Future<Output = Result<Folders, Trouble>> + Send;

    /// A reader of its own: for a server a connection.
    fn reader(&self) -> impl Future<Output = Result<Self::Reader, Trouble>> + Send;
}

/// Reads folders, one after another.
pub trait Reader: Send {
    /// Pours out the messages of a folder that are not here yet, and the flags of those that are.
    fn read(
        &mut self,
        folder: &Folder,
        pour: &mut Pour<'_>,
    ) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Ends it in a friendly way.
    fn end(self) -> impl Future<Output = ()> + Send;
}
