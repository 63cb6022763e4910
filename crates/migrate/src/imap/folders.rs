//! What the other server has: its mailboxes, with their uses and subscriptions, under names as we write them.

use super::client::{Client, MAX_UNASKED};
use super::response::Value;
use crate::names::fitting;
use crate::source::{Folder, Folders, LeftOut};
use crate::trouble::Trouble;
use mailbox::account::{SpecialUse, SpecialUses};
use std::collections::{HashMap, HashSet};
use wire::imap::mailbox_name::{NameForm, decode_text};

/// Most mailboxes of a user.
const MAX_MAILBOXES: usize = 100_000;
/// Octets of all their names and attributes.
const MAX_LIST_OCTETS: usize = 64 << 20;

/// Mailboxes that show messages of other mailboxes (RFC 6154, 2; Gmail).
const VIRTUAL: [&str; 3] = ["\\All", "\\Flagged", "\\Important"];

/// Spellings by the names that stand in the folders.
type Spelt = HashMap<String, Vec<u8>>;

/// A row of LIST.
struct Listed {
    attributes: Vec<String>,
    separator: Option<char>,
    spelt: Vec<u8>,
}

/// Prefixes of names (RFC 2342).
#[derive(Default)]
struct Namespaces {
    personal: String,
    /// Those of other users, and what is shared.
    foreign: Vec<String>,
}

/// Finds them all.
pub(super) async fn find(client: &mut Client) -> Result<(Folders, Spelt), Trouble> {
    let namespaces = namespaces(client).await?;
    let extended = client.can("LIST-EXTENDED") && client.can("SPECIAL-USE") || client.can("IMAP4rev2");
    let command = if extended { "LIST \"\" \"*\" RETURN (SPECIAL-USE)" } else { "LIST \"\" \"*\"" };
    let listed = list(client, command, "LIST").await?;
    // A server that has given LSUB up (RFC 9051, appendix E) says nothing about subscriptions by it.
    let subscribed = list(client, "LSUB \"\" \"*\"", "LSUB").await;
    let subscribed = match subscribed {
        Ok(rows) => Some(rows.into_iter().map(|row| row.spelt).collect()),
        Err(Trouble::Source(_)) => None,
        Err(why) => return Err(why),
    };
    let (mut folders, mut spelt) = (Folders::default(), Spelt::new());
    for row in listed {
        if !row.has("\\Noselect") && !row.has("\\NonExistent") {
            sort_in(row, &namespaces, subscribed.as_ref(), &mut folders, &mut spelt);
        }
    }
    Ok((folders, spelt))
}

fn sort_in(
    row: Listed,
    namespaces: &Namespaces,
    subscribed: Option<&HashSet<Vec<u8>>>,
    folders: &mut Folders,
    spelt: &mut Spelt,
) {
    let lossy = String::from_utf8_lossy(&row.spelt).into_owned();
    let left_out = |folder, what: String, why: &str| LeftOut { folder, what, why: why.into() };
    if lossy.chars().any(char::is_control) {
        folders.left_out.push(left_out(None, lossy, "its name has control characters"));
        return;
    }
    // What is no modified UTF-7 is taken as it stands.
    let text = decode_text(&row.spelt, NameForm::Utf7).unwrap_or_else(|_| lossy.clone());
    // Two spellings of one name are two folders.
    let text = if spelt.contains_key(&text) { format!("{text} ({lossy})") } else { text };
    if namespaces.foreign.iter().any(|prefix| text.starts_with(prefix)) {
        folders.left_out.push(left_out(None, text, "it belongs to another user, or to several"));
        return;
    }
    let (name, note) = fitting(&levels(&text, row.separator, &namespaces.personal));
    let is_subscribed = name.is_inbox() || subscribed.is_none_or(|spellings| spellings.contains(&row.spelt));
    let special_uses = row.special_uses();
    let folder = Folder { at_source: text.clone(), name, special_uses, is_subscribed, note };
    let is_virtual = VIRTUAL.iter().any(|attribute| row.has(attribute));
    spelt.insert(text.clone(), row.spelt);
    if is_virtual {
        let why = "it shows messages that lie in other folders; --folder brings it all the same";
        folders.left_out.push(left_out(Some(folder), text, why));
    } else {
        folders.brought.push(folder);
    }
}

fn levels(text: &str, separator: Option<char>, personal: &str) -> Vec<String> {
    let is_inbox = text.eq_ignore_ascii_case("INBOX");
    let own = if is_inbox {
        text
    } else {
        text.strip_prefix(personal).filter(|own| !own.is_empty()).unwrap_or(text)
    };
    match separator {
        Some(separator) => own.split(separator).map(str::to_owned).collect(),
        None => vec![own.to_owned()],
    }
}

async fn namespaces(client: &mut Client) -> Result<Namespaces, Trouble> {
    let mut found = Namespaces::default();
    if !client.can("NAMESPACE") && !client.can("IMAP4rev2") {
        return Ok(found);
    }
    let each = |values: &[Value]| {
        if let [name, personal, others, shared, ..] = values
            && name.is("NAMESPACE")
        {
            found.personal = prefixes(personal).into_iter().next().unwrap_or_default();
            found.foreign = prefixes(others).into_iter().chain(prefixes(shared)).collect();
            // An empty prefix is in front of everything.
            found.foreign.retain(|prefix| !prefix.is_empty() && *prefix != found.personal);
        }
        Ok(())
    };
    client.try_ask("NAMESPACE", 1, each).await?;
    Ok(found)
}

fn prefixes(namespace: &Value) -> Vec<String> {
    let prefix = |one: &Value| {
        let octets = one.list()?.first()?.octets()?;
        Some(
            decode_text(octets, NameForm::Utf7)
                .unwrap_or_else(|_| String::from_utf8_lossy(octets).into_owned()),
        )
    };
    namespace.list().unwrap_or_default().iter().filter_map(prefix).collect()
}

async fn list(client: &mut Client, command: &str, name: &str) -> Result<Vec<Listed>, Trouble> {
    let (mut rows, mut octets) = (Vec::new(), 0);
    let each = |values: &[Value]| {
        let [own, attributes, separator, spelt, ..] = values else { return Ok(()) };
        if !own.is(name) {
            return Ok(());
        }
        if rows.len() >= MAX_MAILBOXES {
            return Err(Trouble::Hostile(format!("the server lists more than {MAX_MAILBOXES} mailboxes")));
        }
        let words = attributes.list().unwrap_or_default().iter().filter_map(Value::word);
        let separator = match separator {
            Value::Octets(octets) => String::from_utf8_lossy(octets).chars().next(),
            _ => None,
        };
        let attributes: Vec<_> = words.map(str::to_owned).collect();
        let row = Listed { attributes, separator, spelt: spelt.octets().unwrap_or_default().to_vec() };
        octets += row.octets();
        if octets > MAX_LIST_OCTETS {
            return Err(Trouble::Hostile("the server's list of mailboxes has no end".into()));
        }
        rows.push(row);
        Ok(())
    };
    client.ask(command, MAX_MAILBOXES as u64 + MAX_UNASKED, each).await?;
    Ok(rows)
}

impl Listed {
    fn octets(&self) -> usize {
        self.attributes.iter().map(|word| word.len() + size_of::<String>()).sum::<usize>() + self.spelt.len()
    }

    fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|own| own.eq_ignore_ascii_case(attribute))
    }

    fn special_uses(&self) -> SpecialUses {
        SpecialUse::ALL.into_iter().filter(|one| self.has(one.attribute())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_namespace_and_get_our_separator() {
        let check = |text: &str, personal: &str, expected: &str| {
            let (name, _) = fitting(&levels(text, Some('.'), personal));
            assert_eq!(name.as_str(), expected, "{text}");
        };
        check("INBOX.Foo.Bar", "INBOX.", "Foo/Bar");
        check("INBOX", "INBOX.", "INBOX");
        check("inbox", "", "INBOX");
        check("INBOX.Foo", "", "INBOX/Foo");
        check("a/b.c", "", "a_b/c");
        check("INBOX.", "INBOX.", "INBOX");
        assert_eq!(levels("a.b", None, ""), ["a.b"]);
    }

    #[test]
    fn what_is_shared_or_only_shows_other_mail_is_left_out() {
        let (mut folders, mut spelt) = (Folders::default(), Spelt::new());
        let namespaces = Namespaces { personal: String::new(), foreign: vec!["Shared/".into()] };
        let subscribed = HashSet::from([b"Sent".to_vec()]);
        for (name, attribute) in [
            ("Sent", "\\Sent"),
            ("[Gmail]/All Mail", "\\All"),
            ("Shared/x", ""),
            ("Entw&APw-rfe", "\\Drafts"),
        ] {
            let attributes = vec![attribute.to_owned()];
            let row = Listed { attributes, separator: Some('/'), spelt: name.as_bytes().to_vec() };
            sort_in(row, &namespaces, Some(&subscribed), &mut folders, &mut spelt);
        }
        let brought: Vec<_> = folders
            .brought
            .iter()
            .map(|f| (f.name.as_str(), f.is_subscribed, f.special_uses.is_empty()))
            .collect();
        assert_eq!(brought, [("Sent", true, false), ("Entwürfe", false, false)]);
        let left: Vec<_> = folders.left_out.iter().map(|left| left.what.as_str()).collect();
        assert_eq!(left, ["[Gmail]/All Mail", "Shared/x"]);
        assert_eq!(spelt.get("Entwürfe").map(Vec::as_slice), Some(&b"Entw&APw-rfe"[..]));
    }
}
