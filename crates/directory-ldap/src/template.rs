//! Texts of the settings with a place for what a stranger typed.

use crate::config::BadConfig;
use std::borrow::Cow;
use terms::Login;

/// A filter or a name in which a login will stand. It is taken to pieces once, before any login is known: what comes in
/// later is never looked at for a place of its own (threat T-33).
#[derive(Debug)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(Box<str>),
    Login,
    Local,
    Domain,
}

/// How what was typed is made part of a text.
pub(crate) type Escape = for<'a> fn(&'a str) -> Cow<'a, str>;

impl Template {
    /// Takes it to pieces.
    pub(crate) fn parse(text: &str) -> Result<Self, BadConfig> {
        let bad = || BadConfig::Template(text.into());
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, place)) = rest.split_once('{') {
            let (name, behind) = place.split_once('}').ok_or_else(bad)?;
            pieces.push(Piece::Text(before.into()));
            pieces.push(Piece::named(name).ok_or_else(bad)?);
            rest = behind;
        }
        pieces.push(Piece::Text(rest.into()));
        // With a domain alone, or with nothing, all would be one.
        let is_somebodys = pieces.iter().any(|piece| matches!(piece, Piece::Login | Piece::Local));
        if is_somebodys { Ok(Self(pieces)) } else { Err(bad()) }
    }

    /// The text for a login. None where it has a place for a domain, and the login has none.
    pub(crate) fn fill(&self, login: &Login, escape: Escape) -> Option<String> {
        let login = login.as_str();
        let (local, domain) =
            login.split_once('@').map_or((login, None), |(local, domain)| (local, Some(domain)));
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Login => filled.push_str(&escape(login)),
                Piece::Local => filled.push_str(&escape(local)),
                Piece::Domain => filled.push_str(&escape(domain?)),
            }
        }
        Some(filled)
    }

    /// The filter that matches whatever it matches for some login: where a login would stand, anything may (RFC 4515, 3).
    pub(crate) fn for_any(&self) -> String {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                // Two of them side by side are none.
                Piece::Login | Piece::Local | Piece::Domain if filled.ends_with('*') => {}
                Piece::Login | Piece::Local | Piece::Domain => filled.push('*'),
            }
        }
        filled
    }
}

impl Piece {
    fn named(name: &str) -> Option<Self> {
        match name {
            "login" => Some(Self::Login),
            "local" => Some(Self::Local),
            "domain" => Some(Self::Domain),
            _ => None,
        }
    }
}

/// For a value in a filter (RFC 4515, 3).
pub(crate) fn in_filter(typed: &str) -> Cow<'_, str> {
    ldap3::ldap_escape(typed)
}

/// For a value in a distinguished name (RFC 4514, 2.4).
pub(crate) fn in_name(typed: &str) -> Cow<'_, str> {
    ldap3::dn_escape(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, login: &str, escape: Escape) -> Option<String> {
        Template::parse(template).unwrap().fill(&Login::new(login).unwrap(), escape)
    }

    #[test]
    fn a_login_stands_where_the_settings_want_it() {
        let all = |login| filled("{login} {local} of {domain}", login, in_filter);
        assert_eq!(all("ann@example.org").unwrap(), "ann@example.org ann of example.org");
        assert_eq!(all("ann"), None, "there is no domain to name");
        assert_eq!(filled("(uid={local})", "ann", in_filter).unwrap(), "(uid=ann)");
    }

    #[test]
    fn what_matches_for_some_login_has_anything_in_its_place() {
        let any = |template| Template::parse(template).unwrap().for_any();
        assert_eq!(any("(&(uid={login})(memberOf=cn=mail))"), "(&(uid=*)(memberOf=cn=mail))");
        assert_eq!(any("(|(mail={local}@{domain})(a=smtp:{login}))"), "(|(mail=*@*)(a=smtp:*))");
        assert_eq!(any("(uid={local}{domain})"), "(uid=*)");
    }

    #[test]
    fn what_was_typed_is_a_value_and_nothing_more() {
        assert_eq!(filled("(uid={login})", "ann)(uid=*", in_filter).unwrap(), "(uid=ann\\29\\28uid=\\2a)");
        assert_eq!(filled("(uid={login})", "{local}\\", in_filter).unwrap(), "(uid={local}\\5c)");
        assert_eq!(filled("uid={login},c=x", "a,c=x+b=#", in_name).unwrap(), "uid=a\\2cc\\3dx\\2bb\\3d#,c=x");
        assert_eq!(filled("uid={local},c=x", "#a", in_name).unwrap(), "uid=\\23a,c=x");
    }

    #[test]
    fn a_template_names_somebody_and_places_that_there_are() {
        for bad in ["(uid=ann)", "(uid={domain})", "(uid={user})", "(uid={login)", "(uid={})", "{{login}}"] {
            assert!(matches!(Template::parse(bad), Err(BadConfig::Template(_))), "{bad}");
        }
    }
}
