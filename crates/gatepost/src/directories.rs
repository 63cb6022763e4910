//! Directories elsewhere, as the settings name them.

use anyhow::{Context, Result, bail};
use directory::{Directory, Domains, Member, Secret};
use directory_file::{FileConfig, FileDirectory, Reread};
use directory_ldap::{
    Authorities, Cleartext, Depth, LdapConfig, LdapDirectory, People, Reader, Server, StandingRule,
};
use directory_oidc::{Introspected, Introspection, LoginClaim, OidcConfig, OidcDirectory, UnixTime};
use directory_sql::{Database, PostgreSql, Privacy, SqlConfig, SqlDirectory};
use door::{Elsewhere, Manners};
use events::{Event, Problem};
use sasl::BearerHint;
use settings::{
    Introspect, Ldap, LdapCleartext, LdapDepth, NewAccounts, Oidc, PasswdFile, Settings, Sql, SqlCleartext,
    Text,
};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use terms::DirectoryName;

/// Longest file of a secret, in octets.
const MAX_SECRET_FILE: usize = 4 << 10;

/// All directories of the settings. Nobody is asked yet.
///
/// # Errors
/// The first that cannot be used, in words for the admin.
pub(crate) fn elsewhere(settings: &Settings) -> Result<Elsewhere> {
    let mut members = Vec::new();
    let mut hint = None;
    for directory in &settings.directory {
        let Some(name) = &directory.name else { continue };
        let about = || format!("the directory {name}");
        let (made, bearer) = open(name, directory).with_context(about)?;
        hint = hint.or(bearer);
        let domains = match directory.domains.as_slice() {
            [] => Domains::All,
            these => Domains::These(these.iter().map(|domain| domain.as_str().into()).collect()),
        };
        let manners = Manners {
            get_accounts: directory.new_accounts == NewAccounts::Make,
            same_people_as: directory.same_people_as.clone(),
        };
        members.push((Member::new(made, domains), manners));
    }
    Ok(Elsewhere::new(members).hinting(hint))
}

type Opened = (Arc<dyn Directory>, Option<BearerHint>);

fn open(name: &DirectoryName, directory: &settings::Directory) -> Result<Opened> {
    let made: Arc<dyn Directory> = match (&directory.file, &directory.ldap, &directory.sql, &directory.oidc) {
        (Some(file), ..) => Arc::new(file_directory(name, file)?),
        (_, Some(ldap), ..) => Arc::new(LdapDirectory::new(ldap_config(name, ldap)?)?),
        (_, _, Some(sql), _) => Arc::new(sql_directory(name, sql)?),
        (_, _, _, Some(oidc)) => {
            let made = oidc_directory(name, oidc)?;
            let challenge = made.challenge();
            let hint = BearerHint {
                scope: Some(challenge.scope.clone()).filter(|scope| !scope.is_empty()),
                openid_configuration: Some(challenge.openid_configuration.clone()),
            };
            return Ok((Arc::new(made), Some(hint)));
        }
        _ => bail!("nothing says where it is"),
    };
    Ok((made, None))
}

fn file_directory(name: &DirectoryName, file: &PasswdFile) -> Result<FileDirectory> {
    let path = file.path.clone().context("it has no path")?;
    let (told, shown) = (events::Directory::new(name.as_str()), path.clone());
    let tell = move |reread| match reread {
        Reread::Taken(accounts) => {
            Event::DirectoryRead {
                directory: told.clone(),
                file: shown.as_path().into(),
                accounts: accounts as u64,
            }
            .log();
        }
        Reread::Kept(why) => {
            let problem = problem(&why);
            Event::DirectoryRejected { directory: told.clone(), file: shown.as_path().into(), problem }.log();
        }
    };
    let config = FileConfig { name: name.clone(), path };
    Ok(FileDirectory::open(config, Box::new(SystemTime::now), Box::new(tell))?)
}

fn ldap_config(name: &DirectoryName, ldap: &Ldap) -> Result<LdapConfig> {
    let cleartext = match ldap.cleartext {
        LdapCleartext::Never => Cleartext::Never,
        LdapCleartext::Loopback => Cleartext::Loopback,
    };
    let reader = match &ldap.reader {
        None => Reader::Anonymous,
        Some(dn) => {
            let file =
                ldap.reader_password_file.as_deref().context("its reader has no reader_password_file")?;
            Reader::Account { dn: boxed(dn), password: secret(file)? }
        }
    };
    let depth = match ldap.depth {
        LdapDepth::One => Depth::One,
        LdapDepth::Subtree => Depth::Subtree,
    };
    let people = match (&ldap.template, &ldap.base) {
        (Some(dn), _) => People::Template { dn: boxed(dn) },
        (None, Some(base)) => People::Lookup { base: boxed(base), depth, filter: boxed(&ldap.filter) },
        (None, None) => bail!("it has neither a base nor a template"),
    };
    Ok(LdapConfig {
        name: name.clone(),
        server: Server::at(ldap.url.as_ref().context("it has no url")?.as_str(), cleartext)?,
        authorities: ldap.authorities.clone().map_or(Authorities::System, Authorities::File),
        reader,
        people,
        subject: boxed(&ldap.subject),
        login: boxed(&ldap.login),
        standing: ldap
            .enabled_filter
            .as_ref()
            .map_or(StandingRule::All, |filter| StandingRule::Filter(boxed(filter))),
        version: ldap.version.iter().map(boxed).collect(),
    })
}

fn sql_directory(name: &DirectoryName, sql: &Sql) -> Result<SqlDirectory> {
    let database = match (&sql.sqlite, &sql.database) {
        (Some(file), _) => Database::Sqlite { file: file.clone() },
        (None, Some(database)) => Database::PostgreSql(PostgreSql {
            server: sql_server(sql),
            database: database.as_str().to_owned(),
            user: sql.user.as_str().to_owned(),
            password: sql.password_file.as_deref().map(secret).transpose()?,
        }),
        (None, None) => bail!("it has neither a sqlite file nor a database"),
    };
    let query = sql.query.as_ref().context("it has no query")?.as_str().to_owned();
    let told = events::Directory::new(name.as_str());
    let notice = move |login: &terms::Login, odd| {
        let account = events::Account::new(login.as_str());
        Event::DirectoryOdd { directory: told.clone(), account, problem: problem(&odd) }.log();
    };
    Ok(SqlDirectory::new(SqlConfig { name: name.clone(), database, query }, Box::new(notice))?)
}

fn sql_server(sql: &Sql) -> directory_sql::Server {
    let host = sql.host.as_str();
    if host.starts_with('/') {
        return directory_sql::Server::Socket { directory: PathBuf::from(host), port: sql.port };
    }
    let privacy = match sql.cleartext {
        SqlCleartext::Never => Privacy::Tls { ca_file: sql.authorities.clone() },
        SqlCleartext::Allow => Privacy::Cleartext,
    };
    directory_sql::Server::Tcp { host: host.to_owned(), port: sql.port, privacy }
}

fn oidc_directory(name: &DirectoryName, oidc: &Oidc) -> Result<OidcDirectory> {
    let introspection = match (&oidc.client_id, &oidc.client_secret_file) {
        (None, _) => None,
        (Some(_), None) => bail!("its client_id has no client_secret_file"),
        (Some(id), Some(file)) => Some(Introspection {
            client_id: id.as_str().to_owned(),
            client_secret: secret(file)?,
            tokens: match oidc.introspect {
                Introspect::Opaque => Introspected::Opaque,
                Introspect::All => Introspected::All,
            },
        }),
    };
    let config = OidcConfig {
        name: name.clone(),
        issuer: oidc.issuer.as_ref().context("it has no issuer")?.as_str().to_owned(),
        audiences: texts(&oidc.audiences),
        clients: texts(&oidc.clients),
        scopes: texts(&oidc.scopes),
        login: match oidc.login.as_str() {
            "email" => LoginClaim::Email,
            "preferred_username" => LoginClaim::PreferredUsername,
            other => LoginClaim::Named(other.to_owned()),
        },
        enabled: oidc.enabled.as_ref().map(|claim| claim.as_str().to_owned()),
        introspection,
        roots: oidc.authorities.clone().map_or(fetch::Roots::System, fetch::Roots::File),
    };
    let told = events::Directory::new(name.as_str());
    let notice = move |refusal| {
        Event::TokenRefused { directory: told.clone(), problem: problem(&refusal) }.log();
    };
    Ok(OidcDirectory::new(config, Box::new(unix_time), Box::new(notice))?)
}

fn unix_time() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// The first line of a file.
fn secret(file: &Path) -> Result<Secret> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let line = text.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() || text.len() > MAX_SECRET_FILE {
        bail!("{} should hold a secret on its first line, and nothing else", file.display());
    }
    std::str::from_utf8(line).map(Secret::new).with_context(|| format!("{} is no text", file.display()))
}

fn boxed(text: &Text) -> Box<str> {
    text.as_str().into()
}

fn texts(texts: &[Text]) -> Vec<String> {
    texts.iter().map(|text| text.as_str().to_owned()).collect()
}

fn problem(why: &(impl Error + 'static)) -> Problem {
    (why as &(dyn Error + 'static)).into()
}
