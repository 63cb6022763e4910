//! A JSON object in which every name is there once.

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// A JSON object. One that has a name twice is none: two readers would read it differently (RFC 7519, 4; RFC 7515, 4).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Object(BTreeMap<String, Value>);

impl Object {
    pub(crate) fn read(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// Seconds since 1970 (RFC 7519, 2, NumericDate), without their fraction; `None` for what is no such number.
    pub(crate) fn date(&self, name: &str) -> Option<u64> {
        let number = self.get(name)?;
        // A float that is too large or below 0 becomes the nearest number there is.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
        number.as_u64().or_else(|| number.as_f64().filter(|date| *date >= 0.0).map(|date| date as u64))
    }

    /// A text or an array of texts, as `aud` is written (RFC 7519, 4.1.3); nothing for anything else.
    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        match self.get(name) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(texts)) => {
                let all: Option<Vec<_>> = texts.iter().map(Value::as_str).collect();
                all.unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object, M::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if members.insert(name, value).is_some() {
                return Err(M::Error::custom("a name is there twice"));
            }
        }
        Ok(Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<Object> {
        Object::read(json.as_bytes())
    }

    #[test]
    fn an_object_with_a_name_twice_is_none() {
        assert!(read(r#"{"iss":"a","aud":"b"}"#).is_some());
        for bad in
            [r#"{"iss":"a","iss":"b"}"#, r#"{"iss":"a","i\u0073s":"b"}"#, "[]", "{", "{} {}", "", "\"a\""]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(&deep), None);
    }

    #[test]
    fn a_date_is_a_number_of_seconds() {
        let object = read(r#"{"a":7,"b":7.9,"c":-1,"d":"7","e":1e300,"f":null}"#).unwrap();
        let dates = ["a", "b", "c", "d", "e", "f", "g"].map(|name| object.date(name));
        assert_eq!(dates, [Some(7), Some(7), None, None, Some(u64::MAX), None, None]);
    }

    #[test]
    fn texts_are_one_or_several_and_nothing_else() {
        let object = read(r#"{"a":"x y","b":["x","y"],"c":["x",1],"d":{}}"#).unwrap();
        assert_eq!(object.texts("a"), ["x y"]);
        assert_eq!(object.texts("b"), ["x", "y"]);
        for name in ["c", "d", "e"] {
            assert!(object.texts(name).is_empty());
        }
    }
}
