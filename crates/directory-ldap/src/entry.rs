//! Somebody's entry, and what it says of them.

use directory::{Subject, Version};
use ldap3::SearchEntry;
use std::fmt::Write as _;
use terms::Login;

/// Active Directory's number of a person: sixteen octets that are no text, or only by chance.
const OCTETS: &str = "objectGUID";

/// An entry, with the attributes that were asked for and may be seen.
#[derive(Debug)]
pub(crate) struct Entry(pub(crate) SearchEntry);

impl Entry {
    pub(crate) fn name(&self) -> &str {
        &self.0.dn
    }

    /// All values of an attribute, in the server's order.
    fn values<'a>(&'a self, attribute: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let texts = self.0.attrs.iter().filter(|(name, _)| name.eq_ignore_ascii_case(attribute));
        let octets = self.0.bin_attrs.iter().filter(|(name, _)| name.eq_ignore_ascii_case(attribute));
        let texts = texts.flat_map(|(_, values)| values).map(String::as_bytes);
        texts.chain(octets.flat_map(|(_, values)| values).map(Vec::as_slice))
    }

    /// Whom it is about; none where the attribute has no value, or several, or one that cannot be a subject.
    pub(crate) fn subject(&self, attribute: &str) -> Option<Subject> {
        let mut values = self.values(attribute);
        let value = values.next().filter(|_| values.next().is_none())?;
        if attribute.eq_ignore_ascii_case(OCTETS) {
            return Subject::new(&hexadecimal(value)).ok();
        }
        Subject::new(std::str::from_utf8(value).ok()?).ok()
    }

    /// What their account may be called: those values that can be a login, in the order of the alphabet. The server's order is
    /// not the same every time.
    pub(crate) fn logins(&self, attribute: &str) -> impl Iterator<Item = Login> {
        let texts = self.values(attribute).filter_map(|value| std::str::from_utf8(value).ok());
        let mut logins: Vec<_> = texts.filter_map(|text| Login::new(text).ok()).collect();
        logins.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        logins.into_iter()
    }

    /// Whether an attribute has one of these values.
    pub(crate) fn has(&self, attribute: &str, values: &[Box<str>]) -> bool {
        self.values(attribute)
            .any(|value| values.iter().any(|other| value.eq_ignore_ascii_case(other.as_bytes())))
    }

    /// What these attributes are; none where it has none of them.
    pub(crate) fn version(&self, attributes: &[Box<str>]) -> Option<Version> {
        let mut hasher = blake3::Hasher::new();
        let mut is_empty = true;
        for attribute in attributes {
            // No two lists of values come to the same octets.
            for value in self.values(attribute) {
                hasher.update(attribute.as_bytes()).update(b"=");
                hasher.update(&(value.len() as u64).to_be_bytes()).update(value);
                is_empty = false;
            }
        }
        (!is_empty).then(|| Version::new(hasher.finalize().as_bytes()))
    }
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // A string takes all that is written.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// The filter that finds somebody again by their subject.
pub(crate) fn filter_for(attribute: &str, subject: &Subject) -> String {
    if !attribute.eq_ignore_ascii_case(OCTETS) {
        return format!("({attribute}={})", ldap3::ldap_escape(subject.as_str()));
    }
    let digits = subject.as_str().as_bytes().chunks(2).map(String::from_utf8_lossy);
    format!("({attribute}={})", digits.map(|octet| format!("\\{octet}")).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn entry(attributes: &[(&str, &[&[u8]])]) -> Entry {
        let mut entry =
            SearchEntry { dn: "uid=ann".into(), attrs: HashMap::new(), bin_attrs: HashMap::new() };
        for (name, values) in attributes {
            let texts: Result<Vec<_>, _> =
                values.iter().map(|value| String::from_utf8(value.to_vec())).collect();
            match texts {
                Ok(texts) => drop(entry.attrs.insert((*name).into(), texts)),
                Err(_) => {
                    drop(entry.bin_attrs.insert((*name).into(), values.iter().map(|v| v.to_vec()).collect()));
                }
            }
        }
        Entry(entry)
    }

    fn names(names: &[&str]) -> Vec<Box<str>> {
        names.iter().map(|name| (*name).into()).collect()
    }

    #[test]
    fn a_subject_is_one_value_or_none() {
        let subject = |values| entry(&[("entryuuid", values)]).subject("entryUUID");
        assert_eq!(subject(&[b"1-2"]).unwrap().as_str(), "1-2");
        assert_eq!(subject(&[]), None);
        assert_eq!(subject(&[b"1", b"2"]), None);
        assert_eq!(subject(&[b"\xff"]), None);
    }

    #[test]
    fn the_number_of_active_directory_is_found_again_by_its_octets() {
        for octets in [&b"\x00\xffab"[..], b"abcd"] {
            let subject = entry(&[("objectGUID", &[octets])]).subject("objectGUID").unwrap();
            assert_eq!(subject.as_str().len(), 8);
            let filter = filter_for("objectGUID", &subject);
            assert_eq!(filter.matches('\\').count(), 4, "{filter}");
        }
        let subject = Subject::new("a)(b=*").unwrap();
        assert_eq!(filter_for("entryUUID", &subject), "(entryUUID=a\\29\\28b=\\2a)");
    }

    #[test]
    fn of_several_logins_the_same_comes_first_every_time() {
        let logins = |values| {
            let logins: Vec<_> = entry(&[("mail", values)]).logins("mail").collect();
            logins.iter().map(Login::to_string).collect::<Vec<_>>()
        };
        assert_eq!(logins(&[b"b@example.org", b"A@example.org"]), ["a@example.org", "b@example.org"]);
        assert_eq!(logins(&[b"a@example.org", b"b@example.org", b" "]), ["a@example.org", "b@example.org"]);
        assert!(logins(&[b"not a login"]).is_empty());
    }

    #[test]
    fn a_version_is_another_when_one_of_its_attributes_is() {
        let attributes = names(&["pwdChangedTime", "entryCSN"]);
        let version =
            |a: &[&[u8]], b: &[&[u8]]| entry(&[("pwdchangedtime", a), ("entryCSN", b)]).version(&attributes);
        assert_eq!(version(&[b"1"], &[b"2"]), version(&[b"1"], &[b"2"]));
        assert_ne!(version(&[b"1"], &[b"2"]), version(&[b"1"], &[b"3"]));
        assert_ne!(version(&[b"1"], &[]), version(&[], &[b"1"]));
        assert_eq!(version(&[], &[]), None);
    }
}
