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
    /// As its header in the file.
    pub(crate) header: String,
    pub(crate) doc: &'static [&'static str],
    pub(crate) entries: Vec<Entry>,
    pub(crate) shown: Shown,
    /// What has to stand above its header for it to be an example of its own.
    pub(crate) above: Vec<String>,
}

/// How the commented file shows a section.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// It is in force: what differs from the default is set, and the rest commented out.
    InForce,
    /// All of it is commented out: it may be there any number of times, and is not.
    AsExample,
}

pub(crate) fn describe<S: Section>(section: &S) -> Described {
    Described {
        header: format!("[{}]", S::NAME),
        doc: S::DOC,
        entries: section.entries(),
        shown: Shown::InForce,
        above: Vec::new(),
    }
}

/// The tables of a name that may be there several times: those that are, else an example.
pub(crate) fn describe_several<S: Section>(sections: &[S]) -> Vec<Described> {
    let described = |section: &S, shown| Described {
        header: format!("[[{}]]", S::NAME),
        doc: S::DOC,
        entries: section.entries(),
        shown,
        above: Vec::new(),
    };
    match sections {
        [] => vec![described(&S::default(), Shown::AsExample)],
        some => some.iter().map(|section| described(section, Shown::InForce)).collect(),
    }
}

/// Tables of which one is below each table of that name: examples, of which the first is below the example of it, and each
/// other has one of its own.
pub(crate) fn describe_parts(above: &str, parts: Vec<Described>) -> Vec<Described> {
    let example = |(place, part): (usize, Described)| {
        let kind = part.header.trim_matches(['[', ']']).rsplit('.').next().unwrap_or_default();
        let head = || vec![format!("[[{above}]]"), format!("name = \"my-{kind}\"")];
        let above = if place == 0 { Vec::new() } else { head() };
        Described { shown: Shown::AsExample, above, ..part }
    };
    parts.into_iter().enumerate().map(example).collect()
}

macro_rules! settings {
    ($(
        $(#[doc = $about:literal])+
        $section:ident: $Section:ident { $($keys:tt)+ }
    )+
    // Tables that may be there several times, as `[[name]]`.
    several {$(
        $(#[doc = $several_about:literal])+
        $several:ident: $Several:ident { $($several_keys:tt)+ }
        // Tables below them, as `[name.part]`, each a setting of theirs.
        parts {$(
            $(#[doc = $part_about:literal])+
            $part:literal: $Part:ident { $($part_keys:tt)+ }
        )*}
    )*}) => {
        /// Everything that can be set, section by section.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Settings {
            $(
                $(#[doc = $about])+
                pub $section: $Section,
            )+
            $(
                $(#[doc = $several_about])+
                pub $several: Vec<$Several>,
            )*
        }

        impl Settings {
            /// Of all tables, those below others among them, the name and the keys.
            pub(crate) const SECTIONS: &'static [(&'static str, &'static [&'static str])] = &[
                $((stringify!($section), <$Section as $crate::declare::Section>::KEYS),)+
                $(
                    (stringify!($several), <$Several as $crate::declare::Section>::KEYS),
                    $(($part, <$Part as $crate::declare::Section>::KEYS),)*
                )*
            ];

            /// Those that may be there several times.
            pub(crate) const SEVERAL: &'static [&'static str] = &[$(stringify!($several)),*];

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
                    $(stringify!($several) => {
                        self.$several.push($crate::declare::Section::read(table, report));
                    })*
                    _ => report.unknown_section(name, table.span()),
                }
            }

            pub(crate) fn describe(&self) -> Vec<$crate::declare::Described> {
                let mut all = vec![$($crate::declare::describe(&self.$section)),+];
                $(
                    all.extend($crate::declare::describe_several(&self.$several));
                    if self.$several.is_empty() {
                        let parts = vec![$($crate::declare::describe(&<$Part>::default())),*];
                        all.extend($crate::declare::describe_parts(stringify!($several), parts));
                    }
                )*
                all
            }
        }

        $($crate::declare::section! {
            $(#[doc = $about])+
            (stringify!($section)) $Section { $($keys)+ }
        })+

        $(
            $crate::declare::section! {
                $(#[doc = $several_about])+
                (stringify!($several)) $Several { $($several_keys)+ }
            }
            $(
                $crate::declare::section! {
                    $(#[doc = $part_about])+
                    ($part) $Part { $($part_keys)+ }
                }
                $crate::declare::part!($Part);
            )*
        )*
    };
}

/// One table: its struct, its defaults, its reader and its description.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        ($name:expr) $Section:ident {$(
            $(#[doc = $doc:literal])+
            $key:ident: $type:ty = $default:expr
            $(, from $low:literal to $high:literal)?
            $(, such as $example:literal)?;
        )+}
    ) => {
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
            const NAME: &'static str = $name;
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
                            let range = $crate::declare::section!(@range $($low $high)?);
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
                    range: $crate::declare::section!(@range $($low $high)?),
                    default: $crate::value::Value::write(&default.$key),
                    now: $crate::value::Value::write(&self.$key),
                    example: $crate::declare::section!(@example $($example)?),
                }),+]
            }
        }
    };
    (@range) => { None };
    (@range $low:literal $high:literal) => { Some($crate::declare::Range($low, $high)) };
    (@example) => { None };
    (@example $example:literal) => { Some($example) };
}

/// A table that is the value of a setting.
macro_rules! part {
    ($Part:ident) => {
        impl $crate::value::Value for $Part {
            const KIND: &'static str = "a table";

            fn read(
                value: &toml::Spanned<toml::de::DeValue<'_>>,
                report: &mut $crate::mistake::Report<'_>,
            ) -> Option<Self> {
                let table = toml::Spanned::new(value.span(), value.get_ref().as_table()?.clone());
                Some($crate::declare::Section::read(&table, report))
            }

            fn write(&self) -> Option<String> {
                let entries = $crate::declare::Section::entries(self);
                let set = entries.into_iter().filter(|entry| entry.now != entry.default);
                let set = set.filter_map(|entry| Some(format!("{} = {}", entry.name, entry.now?)));
                Some(format!("{{ {} }}", set.collect::<Vec<_>>().join(", ")))
            }
        }
    };
}

pub(crate) use {part, section, settings};
