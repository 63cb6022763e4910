//! The macro behind the list: one declaration, and from it the type, the log line and the manual.

/// One event as the manual shows it.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) level: &'static str,
    pub(crate) says: &'static [&'static str],
    pub(crate) fields: &'static [EntryField],
}

/// One field of an [`Entry`].
pub(crate) struct EntryField {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) says: &'static str,
}

/// Declares [`Event`](crate::Event): documentation, name, level and typed fields of each.
macro_rules! events {
    ($(
        $(#[doc = $says:literal])+
        $name:literal $level:ident $event:ident {
            $( #[doc = $field_says:literal] $field:ident: $kind:ty, )+
        }
    )+) => {
        /// Something that happened.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Event {
            $(
                $(#[doc = $says])+
                $event {
                    $( #[doc = $field_says] $field: $kind, )+
                },
            )+
        }

        impl Event {
            /// The stable name: the message of its log line, and the key of audit log and metrics.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $( Self::$event { .. } => $name, )+
                }
            }

            /// All the names, in the order of the list.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The place of its name among [`Self::NAMES`].
            #[must_use]
            pub const fn index(&self) -> usize {
                match self {
                    $( Self::$event { .. } => Place::$event as usize, )+
                }
            }

            /// How loud its log line is.
            #[must_use]
            pub const fn level(&self) -> tracing::Level {
                match self {
                    $( Self::$event { .. } => tracing::Level::$level, )+
                }
            }

            /// Says it, once: to who [listens](crate::listen), whatever the level of the log, and through `tracing`. There the
            /// name is the message, and the fields carry their own names.
            pub fn log(&self) {
                $crate::listener::tell(self);
                match self {
                    $(
                        Self::$event { $($field),+ } => tracing::event!(
                            name: $name,
                            target: $crate::TARGET,
                            tracing::Level::$level,
                            { $( $field = $crate::value::Field::value($field), )+ },
                            $name
                        ),
                    )+
                }
            }
        }

        /// Which of them it is.
        #[derive(Clone, Copy)]
        enum Place {
            $( $event, )+
        }

        /// The list as the manual needs it.
        pub(crate) const LIST: &[$crate::declare::Entry] = &[
            $(
                $crate::declare::Entry {
                    name: $name,
                    level: stringify!($level),
                    says: &[$($says),+],
                    fields: &[
                        $(
                            $crate::declare::EntryField {
                                name: stringify!($field),
                                kind: <$kind as $crate::value::Field>::KIND,
                                says: $field_says,
                            },
                        )+
                    ],
                },
            )+
        ];
    };
}

pub(crate) use events;
