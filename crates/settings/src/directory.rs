//! The types of settings of directories.

use crate::mistake::Report;
use crate::value::{HostName, Value, quoted};
use std::fmt;
use terms::DirectoryName;
use toml::Spanned;
use toml::de::DeValue;

impl Value for DirectoryName {
    const KIND: &'static str = "the name of a directory in quotes, such as \"staff\"";

    fn read(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<Self> {
        let text = value.get_ref().as_str()?;
        Self::new(text).map_err(|why| report.add(value.span(), format!("{text:?}: {why}"))).ok()
    }

    fn write(&self) -> Option<String> {
        Some(quoted(self.as_str()))
    }
}

/// The domain of login names, in lower case; of names without one it is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain(Box<str>);

impl Domain {
    /// As it stands behind the `@`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Value for Domain {
    const KIND: &'static str = "a list of domains, such as [\"example.org\", \"\"]";

    fn read(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<Self> {
        let text = value.get_ref().as_str()?.to_lowercase();
        let is_fine = text.is_empty() || !text.is_ascii() || HostName::new(&text).is_some();
        if !is_fine || text.contains(['@', ' ', '/']) {
            report.add(value.span(), format!("{text:?} is no domain, such as \"example.org\""));
            return None;
        }
        Some(Self(text.into()))
    }

    fn write(&self) -> Option<String> {
        Some(quoted(&self.0))
    }
}

/// A text of one line, which somebody else understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Box<str>);

impl Text {
    /// One that is known to be fine.
    pub(crate) fn known(text: &str) -> Self {
        Self(text.into())
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for Text {
    const KIND: &'static str = "a text in quotes";

    fn read(value: &Spanned<DeValue<'_>>, _: &mut Report<'_>) -> Option<Self> {
        let text = value.get_ref().as_str()?.trim();
        let is_fine = !text.is_empty() && !text.contains(|c: char| c.is_control() && c != '\n');
        is_fine.then(|| Self(text.into()))
    }

    fn write(&self) -> Option<String> {
        Some(quoted(&self.0))
    }
}
