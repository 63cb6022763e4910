//! Values as PostgreSQL sends them.

use crate::row::{Column, Value};
use std::error::Error;
use tokio_postgres::types::{FromSql, Type};

/// What a type is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Integer,
    Text,
    Uuid,
    Time,
    Octets,
}

impl Kind {
    pub(super) fn of(of: &Type) -> Option<Self> {
        match *of {
            Type::BOOL => Some(Self::Boolean),
            Type::INT2 | Type::INT4 | Type::INT8 => Some(Self::Integer),
            Type::UUID => Some(Self::Uuid),
            Type::TIMESTAMP | Type::TIMESTAMPTZ => Some(Self::Time),
            Type::BYTEA => Some(Self::Octets),
            _ => is_text(of).then_some(Self::Text),
        }
    }

    /// Whether a column may be of this kind.
    pub(super) fn fits(self, column: Column) -> bool {
        match column {
            Column::Subject => matches!(self, Self::Text | Self::Integer | Self::Uuid),
            Column::Password | Column::Login => self == Self::Text,
            Column::Enabled => matches!(self, Self::Boolean | Self::Integer),
            Column::Version => true,
        }
    }

    /// Of what kind a column has to be, in words.
    pub(super) fn wanted(column: Column) -> &'static str {
        match column {
            Column::Subject => "a text, an integer or a uuid",
            Column::Password | Column::Login => "a text",
            Column::Enabled => "a boolean or an integer",
            Column::Version => "a text, an integer, a boolean, a uuid, a timestamp or a bytea",
        }
    }
}

/// Text under one of its names: `char`, `varchar`, `citext` too.
pub(super) fn is_text(of: &Type) -> bool {
    <&str as FromSql<'_>>::accepts(of)
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(of: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match Kind::of(of) {
            Some(Kind::Boolean) => Self::Boolean(bool::from_sql(of, raw)?),
            Some(Kind::Integer) => Self::Integer(integer(of, raw)?),
            Some(Kind::Text) => Self::Text(<&str>::from_sql(of, raw)?.into()),
            Some(Kind::Uuid) => Self::Text(uuid(raw).into()),
            Some(Kind::Time | Kind::Octets) => Self::Octets(raw.into()),
            None => Self::Other,
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    /// What has no meaning was told when the query was prepared.
    fn accepts(_: &Type) -> bool {
        true
    }
}

fn integer(of: &Type, raw: &[u8]) -> Result<i64, Box<dyn Error + Sync + Send>> {
    match *of {
        Type::INT2 => Ok(i16::from_sql(of, raw)?.into()),
        Type::INT4 => Ok(i32::from_sql(of, raw)?.into()),
        _ => i64::from_sql(of, raw),
    }
}

/// As PostgreSQL writes it, in hex with hyphens (RFC 9562, 4).
fn uuid(raw: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (place, octet) in raw.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [octet >> 4, octet & 15] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_written_as_postgresql_writes_it() {
        let raw =
            [0xa0, 0xee, 0xbc, 0x99, 0x9c, 0x0b, 0x4e, 0xf8, 0xbb, 0x6d, 0x6b, 0xb9, 0xbd, 0x38, 0x0a, 0x11];
        assert_eq!(uuid(&raw), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
    }

    #[test]
    fn integers_of_each_size_are_read() {
        for (of, raw, number) in [
            (Type::INT2, &[0xff, 0xfe][..], -2),
            (Type::INT4, &[0, 1, 0, 0], 65_536),
            (Type::INT8, &[0, 0, 0, 1, 0, 0, 0, 0], 1 << 32),
        ] {
            assert!(Value::from_sql(&of, raw).unwrap() == Value::Integer(number));
        }
    }
}
