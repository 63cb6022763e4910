//! A connection to an LDAP server, private from its first question on.

use crate::config::Authorities;
use crate::config::BadConfig;
use crate::entry::Entry;
use crate::guard::{Guard, Stream};
use crate::server::{Server, Way};
use directory::Trouble;
use ldap3::controls::RawControl;
use ldap3::exop::Exop;
use ldap3::{
    DerefAliases, Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Scope, SearchEntry,
    SearchOptions, StdStream,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::future::pending;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

/// Most entries that a server is asked for: more than one is one too many.
const SIZE_LIMIT: i32 = 2;
/// How long a server may search, in seconds.
const TIME_LIMIT_SECONDS: i32 = 2;
/// StartTLS (RFC 4511, 4.14.1).
const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
/// Asks to be told why a bind failed (draft-behera-ldap-password-policy, 6.1).
pub(crate) const PASSWORD_POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";

/// How to get to a server.
pub(crate) struct Route {
    server: Server,
    tls: TlsConnector,
}

impl Route {
    pub(crate) fn new(server: Server, authorities: &Authorities) -> Result<Self, BadConfig> {
        Ok(Self { server, tls: trust(authorities)? })
    }

    /// A line that nobody else reads.
    async fn line(
        &self,
        guard: &mut Guard,
        ldap: &mut Ldap,
        drive: &mut Drive,
    ) -> Result<Box<dyn Stream>, Trouble> {
        Ok(match &self.server.0 {
            Way::Socket(path) => Box::new(UnixStream::connect(path).await.map_err(|why| self.failed(&why))?),
            Way::Cleartext { host, port } => {
                let stream = self.connect(host, *port).await?;
                let peer = stream.peer_addr().map_err(|why| self.failed(&why))?;
                if !peer.ip().is_loopback() {
                    return Err(
                        self.failed(&"it is not on this machine, and without TLS nothing is said to it")
                    );
                }
                Box::new(stream)
            }
            Way::Tls { host, port } => self.shake_hands(host, self.connect(host, *port).await?).await?,
            Way::StartTls { host, port } => {
                let mut stream = self.connect(host, *port).await?;
                self.start_tls(&mut stream, guard, ldap, drive).await?;
                self.shake_hands(host, stream).await?
            }
        })
    }

    async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Trouble> {
        let stream = dial::connect(host, port).await.map_err(|why| self.failed(&why))?;
        dial::look_after(&stream).map_err(|why| self.failed(&why))?;
        Ok(stream)
    }

    /// Asks for TLS. What a server, or somebody in front of it, sends behind its answer is read as TLS, which it is not
    /// (threat T-4).
    async fn start_tls(
        &self,
        stream: &mut TcpStream,
        guard: &mut Guard,
        ldap: &mut Ldap,
        drive: &mut Drive,
    ) -> Result<(), Trouble> {
        let passing = async {
            match guard.pass_one(stream).await {
                Ok(()) => pending().await,
                Err(why) => why,
            }
        };
        let answer = tokio::select! {
            answer = ldap.extended(Exop { name: Some(START_TLS.into()), val: None }) => answer,
            why = passing => return Err(self.failed(&why)),
            ended = drive => return Err(self.failed(&ended)),
        };
        match answer.map_err(|why| self.failed(&why))?.1.rc {
            0 => Ok(()),
            code => Err(self.failed(&format_args!("it refuses StartTLS ({code})"))),
        }
    }

    async fn shake_hands(&self, host: &str, stream: TcpStream) -> Result<Box<dyn Stream>, Trouble> {
        let name = ServerName::try_from(host).map_err(|why| self.failed(&why))?.to_owned();
        let shaken = self.tls.connect(name, stream).await;
        Ok(Box::new(shaken.map_err(|why| self.failed(&format_args!("TLS: {why}")))?))
    }

    fn failed(&self, why: &dyn std::fmt::Display) -> Trouble {
        Trouble::new(format_args!("{}: {why}", self.server))
    }
}

/// What moves messages for as long as somebody waits for one; it ends with the reason.
type Drive = Pin<Box<dyn Future<Output = Trouble> + Send>>;

/// A connection. Whoever asks gives it away, and gets it back with the answer: one that broke is gone, and so is one whose
/// answer was not waited for.
pub(crate) struct Connection {
    ldap: Ldap,
    drive: Drive,
}

/// What is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    pub(crate) base: Box<str>,
    pub(crate) scope: Scope,
    pub(crate) filter: Box<str>,
}

/// What was found, and what the server said.
#[derive(Debug)]
pub(crate) struct SearchAnswer {
    pub(crate) entries: Vec<Entry>,
    pub(crate) code: u32,
}

impl Connection {
    pub(crate) async fn open(route: &Route) -> Result<Self, Trouble> {
        let (near, far) = StdUnixStream::pair().map_err(|why| route.failed(&why))?;
        near.set_nonblocking(true).map_err(|why| route.failed(&why))?;
        let near = UnixStream::from_std(near).map_err(|why| route.failed(&why))?;
        let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(far));
        let (library, mut ldap) = LdapConnAsync::with_settings(settings, "ldapi://guard")
            .await
            .map_err(|why| route.failed(&why))?;
        let mut library: Drive = Box::pin(async move { ended(library.drive().await) });
        let mut guard = Guard::new(near);
        let server = route.line(&mut guard, &mut ldap, &mut library).await?;
        let drive = Box::pin(async move {
            tokio::select! {
                biased;
                why = guard.pass_all(server) => {
                    // What was passed is still read.
                    library.await;
                    why
                }
                ended = &mut library => ended,
            }
        });
        Ok(Self { ldap, drive })
    }

    /// Binds by name and password. With an empty one it would be somebody else's word for nobody (RFC 4513, 5.1.2): that is
    /// never said.
    pub(crate) async fn bind(mut self, name: &str, password: &str) -> Result<(Self, LdapResult), Trouble> {
        if name.is_empty() || password.is_empty() {
            return Err(Trouble::new("a bind without a name or a password is none"));
        }
        let policy = RawControl { ctype: PASSWORD_POLICY.into(), crit: false, val: None };
        let bind = self.ldap.with_controls(policy).simple_bind(name, password);
        let result = waited_for(bind, &mut self.drive).await?;
        Ok((self, result))
    }

    /// Searches for at most two. Aliases and referrals lead nowhere.
    pub(crate) async fn search(
        mut self,
        search: &Search,
        attributes: &[Box<str>],
    ) -> Result<(Self, SearchAnswer), Trouble> {
        let options = SearchOptions::new()
            .deref(DerefAliases::Never)
            .sizelimit(SIZE_LIMIT)
            .timelimit(TIME_LIMIT_SECONDS);
        let ldap = self.ldap.with_search_options(options);
        let found = waited_for(found(ldap, search, attributes), &mut self.drive).await?;
        Ok((self, found))
    }
}

async fn found(
    ldap: &mut Ldap,
    search: &Search,
    attributes: &[Box<str>],
) -> ldap3::result::Result<SearchAnswer> {
    let mut stream = ldap.streaming_search(&search.base, search.scope, &search.filter, attributes).await?;
    let mut entries = Vec::new();
    // The guard bounds how many come, and lets nothing but entries through.
    while let Some(entry) = stream.next().await? {
        entries.push(Entry(SearchEntry::construct(entry)));
    }
    Ok(SearchAnswer { entries, code: stream.finish().await.rc })
}

/// What comes of a question, while the messages that it takes are moved.
async fn waited_for<T>(
    question: impl Future<Output = ldap3::result::Result<T>>,
    drive: &mut Drive,
) -> Result<T, Trouble> {
    let mut question = pin!(question);
    let why = tokio::select! {
        biased;
        answer = &mut question => return answer.map_err(Trouble::new),
        why = &mut *drive => why,
    };
    // It has ended, and is not asked again: whoever has a question finds that nobody takes it.
    *drive = Box::pin(pending());
    // A server may say the last word and leave.
    question.await.map_err(|_| why)
}

fn ended(driven: Result<(), LdapError>) -> Trouble {
    match driven {
        Ok(()) => Trouble::new("the connection ended"),
        Err(why) => Trouble::new(why),
    }
}

/// Trusts the authorities in a PEM file, or the system's. Names are checked, as rustls does.
fn trust(authorities: &Authorities) -> Result<TlsConnector, BadConfig> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Authorities::File(file) => add(&mut roots, file)?,
        // Systems carry one or the other that no longer reads: the rest is what counts.
        Authorities::System => {
            let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|why| BadConfig::Authorities(why.to_string().into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn add(roots: &mut RootCertStore, file: &Path) -> Result<(), BadConfig> {
    let failed =
        |why: &dyn std::fmt::Display| BadConfig::Authorities(format!("{}: {why}", file.display()).into());
    for certificate in CertificateDer::pem_file_iter(file).map_err(|why| failed(&why))? {
        roots.add(certificate.map_err(|why| failed(&why))?).map_err(|why| failed(&why))?;
    }
    if roots.is_empty() { Err(failed(&"there is no certificate in it")) } else { Ok(()) }
}
