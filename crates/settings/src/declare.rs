//! From a declaration to a struct, its defaults, its reader and its description.

use crate::mistake::Report;
use toml::Spanned;
use toml::de::DeTable;

/// What the file and the manual say of a setting.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    /// One line of the declaration's comment each.
    pub(crate) doc: &'static [&'static str],
    pub(crate) range: Option<Range>,
    /// As TOML; `None` where the default is to leave it out.
    pub(crate) default: Option<String>,
    /// As TOML; `None` where it is left out.
    pub(crate) now: Option<String>,
    /// A value to show where the default shows none.
    pub(crate) example: Option<&'static str>,
}

/// The least and the greatest value of a number.
#[derive(Clone, Copy)]
pub(crate) struct Range(pub(crate) u64, pub(crate) u64);

/// A table of the file.
pub(crate) trait Section: Default {
    const NAME: &'static str;
    const DOC: &'static [&'static str];
    const KEYS: &'static [&'static str];
    fn read(table: &Spanned<DeTable<'_>>, report: &mut Report<'_>) -> Self;
    fn entries(&self) -> Vec<Entry>;
}

/// A section without its type.
pub(crate) struct Described {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static [&'static str],
    pub(crate) entries: Vec<Entry>,
}

pub(crate) fn describe<S: Section>(section: &S) -> Described {
    Described { name: S::NAME, doc: S::DOC, entries: section.entries() }
}

macro_rules! settings {
    ($(
        $(#[doc = $about:literal])+
        $section:ident: $Section:ident {$(
            $(#[doc = $doc:literal])+
            $key:ident: $type:ty = $default:expr
            $(, from $low:literal to $high:literal)?
            $(, such as $example:literal)?;
        )+}
    )+) => {
        /// Everything that can be set, section by section.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Settings {$(
            $(#[doc = $about])+
            pub $section: $Section,
        )+}

        impl Settings {
            pub(crate) const SECTIONS: &'static [(&'static str, &'static [&'static str])] =
                &[$((stringify!($section), <$Section as $crate::declare::Section>::KEYS)),+];

            pub(crate) fn read_section(
                &mut self,
                name: &str,
                table: &toml::Spanned<toml::de::DeTable<'_>>,
                report: &mut $crate::mistake::Report<'_>,
            ) {
                match name {
                    $(stringify!($section) => {
                        self.$section = $crate::declare::Section::read(table, report);
                    })+
                    _ => report.unknown_section(name, table.span()),
                }
            }

            pub(crate) fn describe(&self) -> Vec<$crate::declare::Described> {
                vec![$($crate::declare::describe(&self.$section)),+]
            }
        }

        $(
            $(#[doc = $about])+
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $Section {$(
                $(#[doc = $doc])+
                pub $key: $type,
            )+}

            impl Default for $Section {
                fn default() -> Self {
                    Self { $($key: $default),+ }
                }
            }

            impl $crate::declare::Section for $Section {
                const NAME: &'static str = stringify!($section);
                const DOC: &'static [&'static str] = &[$($about),+];
                const KEYS: &'static [&'static str] = &[$(stringify!($key)),+];

                fn read(
                    table: &toml::Spanned<toml::de::DeTable<'_>>,
                    report: &mut $crate::mistake::Report<'_>,
                ) -> Self {
                    let mut section = Self::default();
                    for (key, value) in table.get_ref() {
                        match key.get_ref().as_ref() {
                            $(stringify!($key) => {
                                let range = $crate::declare::settings!(@range $($low $high)?);
                                if let Some(value) = report.setting(stringify!($key), value, range) {
                                    section.$key = value;
                                }
                            })+
                            _ => report.unknown_key(Self::NAME, key),
                        }
                    }
                    section
                }

                fn entries(&self) -> Vec<$crate::declare::Entry> {
                    let default = Self::default();
                    vec![$($crate::declare::Entry {
                        name: stringify!($key),
                        doc: &[$($doc),+],
                        range: $crate::declare::settings!(@range $($low $high)?),
                        default: $crate::value::Value::write(&default.$key),
                        now: $crate::value::Value::write(&self.$key),
                        example: $crate::declare::settings!(@example $($example)?),
                    }),+]
                }
            }
        )+
    };
    (@range) => { None };
    (@range $low:literal $high:literal) => { Some($crate::declare::Range($low, $high)) };
    (@example) => { None };
    (@example $example:literal) => { Some($example) };
}

pub(crate) use settings;
