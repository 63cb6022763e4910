//! The macros behind the list: one declaration, and from it the type, the page that is read and the manual.

/// A metric as the page and the manual show it.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    /// Its label, where it has one.
    pub(crate) label: Option<&'static str>,
    /// The values that the label can have.
    pub(crate) values: Vec<&'static str>,
    /// One line of the declaration's comment each.
    pub(crate) says: &'static [&'static str],
}

impl Entry {
    pub(crate) fn sentence(&self) -> String {
        self.says.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
    }
}

/// Declares [`Tally`](crate::Tally): counters, each with the event that it goes by and how much that adds to it.
macro_rules! counted {
    ($(
        $(#[doc = $says:literal])+
        $name:literal $field:ident: $Type:ty $(, by $label:literal)?, of $event:pat => $amount:expr;
    )+) => {
        /// What happened since the start, counted from events.
        #[derive(Debug, Default)]
        pub struct Tally {
            $( $(#[doc = $says])+ $field: $Type, )+
        }

        impl Tally {
            /// One that has counted nothing yet.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            /// Counts an event. Costs a few additions, and never waits.
            pub fn count(&self, event: &Event) {
                $(
                    match event {
                        $event => self.$field.add($amount),
                        #[allow(unreachable_patterns, reason = "one of them goes by every event")]
                        _ => {}
                    }
                )+
            }

            pub(crate) fn entries() -> Vec<$crate::declare::Entry> {
                vec![$( $crate::declare::entry!("counter" $name [$($label)?] $Type, $($says),+) ),+]
            }

            pub(crate) fn write(&self, page: &mut $crate::page::Page) {
                let mut entries = Self::entries().into_iter();
                $( if let Some(entry) = entries.next() { page.family(&entry, &self.$field); } )+
            }
        }
    };
}

/// Declares structs of what is asked for.
macro_rules! asked {
    ($(
        $(#[doc = $about:literal])+
        $Section:ident {$(
            $(#[doc = $says:literal])+
            $kind:ident $name:literal $field:ident: $Type:ty $(, by $label:literal)?;
        )+}
    )+) => {$(
        $(#[doc = $about])+
        #[derive(Clone, Debug)]
        pub struct $Section {
            $( $(#[doc = $says])+ pub $field: $Type, )+
        }

        impl $Section {
            pub(crate) fn entries() -> Vec<$crate::declare::Entry> {
                vec![$( $crate::declare::entry!(stringify!($kind) $name [$($label)?] $Type, $($says),+) ),+]
            }

            pub(crate) fn write(&self, page: &mut $crate::page::Page) {
                let mut entries = Self::entries().into_iter();
                $( if let Some(entry) = entries.next() { page.family(&entry, &self.$field); } )+
            }
        }
    )+};
}

macro_rules! entry {
    ($kind:literal $name:literal [$($label:literal)?] $Type:ty, $($says:literal),+) => {
        $crate::declare::entry!(@ ($kind) $name [$($label)?] $Type, $($says),+)
    };
    (stringify!($kind:ident) $name:literal [$($label:literal)?] $Type:ty, $($says:literal),+) => {
        $crate::declare::entry!(@ (stringify!($kind)) $name [$($label)?] $Type, $($says),+)
    };
    (@ ($kind:expr) $name:literal [$($label:literal)?] $Type:ty, $($says:literal),+) => {
        $crate::declare::Entry {
            name: $name,
            kind: $kind,
            label: None $(.or(Some($label)))?,
            values: <$Type as $crate::value::Reading>::values(),
            says: &[$($says),+],
        }
    };
}

pub(crate) use {asked, counted, entry};
