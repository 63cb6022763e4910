//! What the demo prints: how to connect, with three clients.

use crate::say::say;
use crate::serve::Addresses;
use settings::ListenerKind;
use std::path::Path;

/// Tells a newcomer how to look at the mail. Every way verifies the certificate.
pub(crate) fn print(addresses: &Addresses, ca: &Path, password: &str) {
    let (name, ca) = (demo::OWNER, ca.display());
    let port = |wanted| {
        let found = addresses.iter().find(|(kind, _)| *kind == wanted);
        found.map_or(0, |(_, address)| address.port())
    };
    let (imap, imaps) = (port(ListenerKind::ImapStartTls), port(ListenerKind::ImapTls));
    say!(
        "
Gatepost is ready. Press Ctrl-C to stop it; the mail stays for the next run.

  account    {name}
  password   {password}
  CA file    {ca}

openssl (then type:  a LOGIN {name} {password}  and  b SELECT INBOX)
  openssl s_client -quiet -crlf -verify_return_error -CAfile '{ca}' -connect localhost:{imaps}
  openssl s_client -quiet -crlf -verify_return_error -CAfile '{ca}' -starttls imap -connect localhost:{imap}

curl
  curl --cacert '{ca}' --user '{name}:{password}' 'imaps://localhost:{imaps}/INBOX;MAILINDEX=1'
  curl --cacert '{ca}' --user '{name}:{password}' --ssl-reqd 'imap://localhost:{imap}/' --request 'STATUS INBOX (MESSAGES UNSEEN)'

Thunderbird
  Settings > Privacy & Security > Certificates > Manage Certificates > Authorities > Import: the CA file,
  \"Trust this CA to identify websites\". Then add a mail account by hand:
    incoming server   IMAP, localhost
    port {imaps}         SSL/TLS, normal password       or       port {imap}    STARTTLS, normal password
    user name         {name}
"
    );
}
