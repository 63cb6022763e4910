//! Which entry is somebody's.

use crate::config::{BadConfig, Depth, People};
use crate::connection::Search;
use crate::entry::filter_for;
use crate::outcome::Base;
use crate::template::{Template, in_filter, in_name};
use directory::{Found, Subject};
use ldap3::Scope;
use terms::Login;

/// Every entry.
pub(crate) const ANY: &str = "(objectClass=*)";

/// [`People`], taken to pieces.
pub(crate) enum Finder {
    Lookup { base: Box<str>, scope: Scope, filter: Template },
    Template(Template),
}

impl Finder {
    pub(crate) fn new(people: People) -> Result<Self, BadConfig> {
        match people {
            People::Template { dn } => Ok(Self::Template(Template::parse(&dn)?)),
            People::Lookup { base, depth, filter } => {
                let scope = match depth {
                    Depth::One => Scope::OneLevel,
                    Depth::Subtree => Scope::Subtree,
                };
                check_filter(&filled(&filter))?;
                let filter = Template::parse(&filter)?;
                check_filter(&filter.for_any())?;
                Ok(Self::Lookup { base, scope, filter })
            }
        }
    }

    /// Of what the bases of its searches are made.
    pub(crate) fn base(&self) -> Base {
        match self {
            Self::Lookup { .. } => Base::Settings,
            Self::Template(_) => Base::Login,
        }
    }

    /// What finds somebody by what they typed. None where the settings need a domain, and there is none.
    pub(crate) fn search(&self, login: &Login) -> Option<Search> {
        match self {
            Self::Lookup { base, scope, filter } => {
                let filter = filter.fill(login, in_filter)?.into();
                Some(Search { base: base.clone(), scope: *scope, filter })
            }
            Self::Template(template) => Some(itself(&template.fill(login, in_name)?, ANY)),
        }
    }

    /// What tells whether somebody is still among those who can be found by some name. None where they are looked for by a
    /// name that is made of what they typed.
    pub(crate) fn still(&self, attribute: &str, subject: &Subject) -> Option<Search> {
        match self {
            Self::Lookup { base, scope, filter } => {
                let filter = format!("(&{}{})", filter_for(attribute, subject), filter.for_any()).into();
                Some(Search { base: base.clone(), scope: *scope, filter })
            }
            Self::Template(_) => None,
        }
    }

    /// What finds somebody again.
    pub(crate) fn again(&self, subject: &str, found: &Found) -> Option<Search> {
        match self {
            Self::Lookup { base, scope, .. } => {
                let filter = filter_for(subject, &found.subject).into();
                Some(Search { base: base.clone(), scope: *scope, filter })
            }
            Self::Template(_) => self.search(&found.login),
        }
    }
}

/// An entry of that name, if the filter matches it.
pub(crate) fn itself(name: &str, filter: &str) -> Search {
    Search { base: name.into(), scope: Scope::Base, filter: filter.into() }
}

/// With something in every place.
fn filled(filter: &str) -> String {
    ["{login}", "{local}", "{domain}"]
        .iter()
        .fold(filter.to_owned(), |filter, place| filter.replace(place, "a"))
}

/// Whether a filter can be sent.
pub(crate) fn check_filter(filter: &str) -> Result<(), BadConfig> {
    ldap3::parse_filter(filter).map(drop).map_err(|()| BadConfig::Filter(filter.into()))
}
