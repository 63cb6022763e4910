//! The list. A new event is a new entry here; the manual's page follows with `cargo xtask manual`.
//!
//! Names are `area.what`. A name or a field, once released, keeps its meaning.

use crate::declare::events;
use crate::{
    Absence, Account, Alpn, AuthFailure, AuthLimit, Claimed, ClientId, Codes, Command, ConnectionId,
    DeliveryFailure, Directory, EndReason, FaultId, File, ImportOutcome, Label, Listener, MailAddress,
    Mailbox, Mechanism, Peer, PlaintextCommand, Problem, Protocol, Refusal, Refused, ResponseCode, Sentence,
    ServerName, Sha256, Source, StopReason, TlsGroup, TlsVersion,
};
use std::net::SocketAddr;

events! {
    /// The server is ready: every listener is open.
    "server.start" INFO ServerStarted {
        /// Where its data lies.
        data: File,
        /// How many listeners are open.
        listeners: u64,
    }

    /// A listener is open.
    "server.listen" INFO Listening {
        /// Its name in the configuration.
        listener: Listener,
        /// Where it listens, over TCP.
        address: Option<SocketAddr>,
        /// Where it listens, as a Unix socket.
        path: Option<File>,
    }

    /// The server has stopped, and everything it acknowledged is on disk.
    "server.stop" INFO ServerStopped {
        /// Why.
        reason: StopReason,
        /// How many sessions were told BYE for it.
        sessions: u64,
    }

    /// Part of the mail store does not read back as it was written. What it held cannot be read; everything else can.
    /// A scrub tells what that is; `gatepost store check` tells all of it.
    "server.rot" ERROR StoreRotten {
        /// The file in the data directory.
        file: File,
        /// Its first damaged octet.
        from: u64,
        /// One behind the last.
        to: u64,
        /// Whose mail it is, where it is some account's; of several the first.
        account: Option<Account>,
        /// In which mailbox, where that is known.
        mailbox: Option<Mailbox>,
        /// Which message, where it is one's.
        uid: Option<u64>,
        /// What is lost, in words; unset where nobody has looked, or where it is nothing.
        lost: Option<Sentence>,
    }

    /// Everything in the mail store was read and tested.
    "server.scrubbed" INFO StoreScrubbed {
        /// How much was read, in octets. After a restart: since then.
        octets: u64,
        /// How many damages were found; each was told as `server.rot`.
        damages: u64,
    }

    /// Segments of the mail store's log of which less than half was needed were rewritten, and what nobody needs any more
    /// has left the disk.
    "server.compacted" INFO StoreCompacted {
        /// How many segments.
        segments: u64,
        /// Their octets before.
        octets_before: u64,
        /// And after: so many were written.
        octets_after: u64,
        /// Segments that stay as they are because they are damaged.
        damaged: u64,
    }

    /// What nobody needs any more could not leave the disk now. It is tried again within the hour, and nothing is lost by it.
    "server.compaction-put-off" WARN StoreCompactionPutOff {
        /// Why.
        reason: Sentence,
    }

    /// Something that had rotted was mended: by `gatepost store check --repair`, or by the server itself where no client
    /// can notice it. There is one for each thing that was.
    "server.mended" INFO StoreMended {
        /// Whose it is, where it is some account's.
        account: Option<Account>,
        /// In which mailbox, where that has a name.
        mailbox: Option<Mailbox>,
        /// Which message, where it is one's.
        uid: Option<u64>,
        /// What was done.
        done: Sentence,
    }

    /// Part of a mailbox cannot be read, and what it had come to follows from nothing that is left. What came before that
    /// part is shown, read-only; where not even that can be read, the mailbox cannot be opened. `gatepost store check
    /// --repair` puts together what is left. Told when it is met, and again only when the account was not used for long.
    "server.mailbox-in-part" ERROR MailboxInPart {
        /// Whose it is.
        account: Account,
        /// Which, where it has a name still.
        mailbox: Option<Mailbox>,
    }

    /// Part of what an account's mailboxes are called, or of its subscriptions and limits, cannot be read, and what it had come
    /// to is not known. They are shown as they were last known, and cannot be changed; mailboxes themselves can be. `gatepost
    /// store check --repair` puts together what is left. Told when it is met, and again only when the account was not used
    /// for long.
    "server.names-in-part" ERROR NamesInPart {
        /// Whose they are.
        account: Account,
    }

    /// Part of the directory of accounts cannot be read, and what it had come to is not known. Only those can sign in, and get
    /// mail, of whom no event that is lost could say that they may not; to all others the server is unavailable, and
    /// nothing of the directory can be changed. `gatepost store check --repair` puts together what is left.
    "server.directory-in-part" ERROR DirectoryInPart {
        /// How many accounts are known, and cannot be signed in to.
        accounts: u64,
    }

    /// What was expunged, deleted or removed longer ago than `store.retention_days` is gone for good. There is one a day,
    /// also where nothing went. From one to the next time goes on by 25 hours at most, so that a clock that is wrong does
    /// no harm; `gatepost store sweep` says that it is right.
    "server.swept" INFO StoreSwept {
        /// How many accounts were looked at.
        accounts: u64,
        /// How many messages went.
        messages: u64,
        /// How many octets of messages went. What several messages share goes with the last of them.
        octets: u64,
        /// How many deleted mailboxes went.
        mailboxes: u64,
        /// How many removed accounts went.
        removed_accounts: u64,
        /// For how many hours more than the settings say things are kept, for time went on further.
        behind_hours: u64,
    }

    /// Nothing of an account is swept away, for something of it cannot be read. Told once, until that is mended or the
    /// server has stopped.
    "server.sweep-left" WARN SweepLeft {
        /// Whose.
        account: Account,
        /// What cannot be read.
        problem: Sentence,
    }

    /// Mail cannot be stored: the disk refused a write or a sync, or the index of the mail store is damaged and is
    /// made again from the log. What is stored can be read, of a damaged index once it is made; everything else is
    /// answered with `NO [UNAVAILABLE]` until `server.store-recovered`, for which the server tries by itself. Nothing
    /// that was acknowledged is lost.
    "server.store-failed" ERROR StoreFailed {
        /// What went wrong.
        problem: Problem,
    }

    /// Mail can be stored again.
    "server.store-recovered" INFO StoreRecovered {
        /// For how long it could not be, in milliseconds.
        duration_ms: u64,
    }

    /// A backup has ended. There is one for each run.
    "server.backed-up" INFO BackedUp {
        /// Who ran it: the number of the system's user.
        user: u64,
        /// How many files were new and were taken; like the octets not known of one that was cut off.
        files: Option<u64>,
        /// How many octets are in these.
        octets: Option<u64>,
    }

    /// Our fault. The client was given the same number with `NO [SERVERBUG]`; or it was told `NO [UNAVAILABLE]`, without
    /// one: of those who are told so only the first is written down, until for a minute nobody was.
    "server.fault" ERROR ServerFault {
        /// The connection that met it, if one did.
        connection: Option<ConnectionId>,
        /// The number that the client was given.
        fault: FaultId,
        /// What went wrong.
        problem: Problem,
    }

    /// A connection was accepted.
    "connection.open" DEBUG Connected {
        /// Its number, which all its events carry.
        connection: ConnectionId,
        /// Where it came in.
        listener: Listener,
        /// Who it is.
        peer: Peer,
    }

    /// A connection was refused before anything was read from it.
    "connection.refused" INFO ConnectionRefused {
        /// Where it came in.
        listener: Listener,
        /// Who it was.
        peer: Peer,
        /// Why.
        reason: Refusal,
    }

    /// A TLS handshake was finished.
    "tls.established" DEBUG TlsEstablished {
        /// Which connection.
        connection: ConnectionId,
        /// The version agreed on.
        version: TlsVersion,
        /// The key exchange agreed on.
        group: Option<TlsGroup>,
        /// The host name that the client asked for.
        server_name: Option<ServerName>,
    }

    /// A TLS handshake failed. What the client offered says why, if it got as far as offering. The connection is over,
    /// and leaves this line in place of `session.end`.
    "tls.failed" INFO TlsFailed {
        /// Which connection.
        connection: ConnectionId,
        /// Who it was.
        peer: Peer,
        /// What went wrong.
        problem: Problem,
        /// The host name that the client asked for.
        server_name: Option<ServerName>,
        /// The versions of TLS that it offered: 0304 is 1.3, 0303 is 1.2.
        versions: Option<Codes>,
        /// The key exchange groups it offered.
        groups: Option<Codes>,
        /// The cipher suites it offered.
        suites: Option<Codes>,
        /// The protocols that it wants to speak, if it named any (ALPN, RFC 7301).
        protocols: Option<Alpn>,
        /// How long the connection had lasted, in milliseconds.
        duration_ms: u64,
    }

    /// A client sent data behind STARTTLS before the handshake, and was cut off. Either somebody on the way tries to
    /// slip commands into its session (CVE-2011-0411); or the client is only broken: it does not wait for the answer to
    /// STARTTLS before it begins TLS or gives its next command, or it goes on in the clear behind the answer. What came
    /// is the same in both cases. If it is always the same client and a handful of octets, it is the client.
    "tls.starttls-injection" WARN StarttlsInjection {
        /// Which connection.
        connection: ConnectionId,
        /// Who it was.
        peer: Peer,
        /// How many octets lay behind the command. They were dropped unread.
        octets: u64,
    }

    /// A client tried to sign in, or to read mail, without TLS, and was refused.
    "auth.plaintext-refused" INFO PlaintextRefused {
        /// Which connection.
        connection: ConnectionId,
        /// Who it was.
        peer: Peer,
        /// What it tried.
        command: PlaintextCommand,
    }

    /// A client sent a password in the clear. It was not read, but others on the way may have read it. The mark is
    /// unverified, for a stranger can cause it; nothing is revoked.
    "auth.exposed-credential" WARN ExposedCredential {
        /// Which connection.
        connection: ConnectionId,
        /// Who it was.
        peer: Peer,
        /// The account named in the line, if it named one.
        claimed: Option<Claimed>,
    }

    /// Somebody signed in.
    "auth.ok" DEBUG AuthSucceeded {
        /// Which connection.
        connection: ConnectionId,
        /// Who it is.
        peer: Peer,
        /// As whom.
        account: Account,
        /// How.
        mechanism: Option<Mechanism>,
    }

    /// Somebody proved who they are and was let in, and has not come in: their program was not content with what the server
    /// proved to it, or only tries whether a password is right.
    "auth.left" INFO AuthLeft {
        /// Which connection.
        connection: ConnectionId,
        /// Who it is.
        peer: Peer,
        /// As whom.
        account: Account,
        /// How.
        mechanism: Option<Mechanism>,
    }

    /// Somebody could not sign in. The client is told less than this.
    "auth.failed" INFO AuthFailed {
        /// Which connection.
        connection: ConnectionId,
        /// Who it was.
        peer: Peer,
        /// As whom it tried.
        claimed: Option<Claimed>,
        /// How.
        mechanism: Option<Mechanism>,
        /// Why not.
        reason: AuthFailure,
    }

    /// A sign-in was held back by a limit, whatever the password: it was not looked at, or there are enough connections.
    "auth.limited" WARN AuthLimited {
        /// Which connection.
        connection: ConnectionId,
        /// Who it was.
        peer: Peer,
        /// As whom it tried.
        claimed: Option<Claimed>,
        /// Which limit.
        limit: AuthLimit,
    }

    /// A directory of accounts cannot be asked: its people cannot sign in by their own passwords, and are told so. Said once,
    /// until it answers again.
    "directory.down" WARN DirectoryDown {
        /// As the settings call it.
        directory: Directory,
        /// What is the matter.
        problem: Problem,
    }

    /// A directory of accounts that could not be asked answers again.
    "directory.up" INFO DirectoryUp {
        /// As the settings call it.
        directory: Directory,
    }

    /// The file of a directory was read, because it has changed.
    "directory.read" INFO DirectoryRead {
        /// As the settings call it.
        directory: Directory,
        /// The file.
        file: File,
        /// How many accounts are in it.
        accounts: u64,
    }

    /// The file of a directory has changed and cannot be used: what was known before stays.
    "directory.rejected" WARN DirectoryRejected {
        /// As the settings call it.
        directory: Directory,
        /// The file.
        file: File,
        /// What is wrong with it.
        problem: Problem,
    }

    /// Somebody whom a directory of the settings knows has an account from now on: they signed in, or mail came for them.
    "directory.added-account" INFO DirectoryAddedAccount {
        /// Which.
        account: Account,
        /// Who knows them, as the settings call it.
        directory: Directory,
    }

    /// An account that came from another directory is the owner's by this one's word too, as `same_people_as` says.
    "directory.linked-account" INFO DirectoryLinkedAccount {
        /// Whose.
        account: Account,
        /// Who knows them, as the settings call it.
        directory: Directory,
    }

    /// A directory calls an account's owner something else, and so the account is called now.
    "directory.renamed-account" INFO DirectoryRenamedAccount {
        /// Which, by the name that it has now.
        account: Account,
        /// The name that it had.
        before: Account,
        /// Who knows them, as the settings call it.
        directory: Directory,
    }

    /// What a database has for a name is not what it should be, such as two rows: the name is nobody's until it is mended.
    "directory.odd" INFO DirectoryOdd {
        /// As the settings call it.
        directory: Directory,
        /// The name.
        account: Account,
        /// What is wrong.
        problem: Problem,
    }

    /// A token of an OpenID provider does not hold. What is in it is not repeated here: a stranger may have made it.
    "directory.token-refused" INFO TokenRefused {
        /// As the settings call it.
        directory: Directory,
        /// What is wrong with it.
        problem: Problem,
    }

    /// A command was refused. The client was told NO or BAD, and this sentence; `session.end` counts them. What is no
    /// command at all is not repeated here: it may be a password in the wrong place.
    "command.refused" DEBUG CommandRefused {
        /// Which connection.
        connection: ConnectionId,
        /// Who had signed in, if somebody had.
        account: Option<Account>,
        /// The command, if it is one that we know.
        command: Option<Command>,
        /// How it was refused. In LMTP, `bad` is the fault of the mail server's author.
        refused: Refused,
        /// The response code; in LMTP the reply's.
        code: Option<ResponseCode>,
        /// What the client was told.
        told: Sentence,
    }

    /// A session ended: the one line that every session leaves. A connection whose TLS handshake failed had none, and
    /// leaves `tls.failed`.
    "session.end" INFO SessionEnded {
        /// Which connection.
        connection: ConnectionId,
        /// What it spoke.
        protocol: Protocol,
        /// Who it was.
        peer: Peer,
        /// Who had signed in, if somebody had.
        account: Option<Account>,
        /// The version of TLS, if it came to that.
        tls: Option<TlsVersion>,
        /// The key exchange of TLS.
        group: Option<TlsGroup>,
        /// How the account signed in.
        mechanism: Option<Mechanism>,
        /// What the client said it is (RFC 2971).
        client: Option<ClientId>,
        /// How many commands it gave.
        commands: u64,
        /// How often the answer was BAD, if ever.
        bad: Option<u64>,
        /// How often the answer was NO, if ever.
        no: Option<u64>,
        /// Octets received, inside TLS.
        octets_in: u64,
        /// Octets sent, inside TLS.
        octets_out: u64,
        /// How long it lasted, in milliseconds.
        duration_ms: u64,
        /// Why it ended.
        reason: EndReason,
    }

    /// The admin brought back a mailbox, or messages of one, as they were.
    "mailbox.restored" INFO MailboxRestored {
        /// Whose.
        account: Account,
        /// Where they are now.
        mailbox: Mailbox,
        /// How many messages came back.
        messages: u64,
        /// How many that were there have the flags again that they had.
        flags: u64,
    }

    /// A mailbox was created.
    "mailbox.created" INFO MailboxCreated {
        /// The session that did it; none for one that came with its account.
        connection: Option<ConnectionId>,
        /// Whose.
        account: Account,
        /// Which.
        mailbox: Mailbox,
    }

    /// A mailbox was deleted, with its messages.
    "mailbox.deleted" INFO MailboxDeleted {
        /// The session that did it.
        connection: Option<ConnectionId>,
        /// Whose.
        account: Account,
        /// Which.
        mailbox: Mailbox,
        /// How many messages were in it.
        messages: u64,
    }

    /// A mailbox was renamed, with those below it.
    "mailbox.renamed" INFO MailboxRenamed {
        /// The session that did it.
        connection: Option<ConnectionId>,
        /// Whose.
        account: Account,
        /// Its old name.
        from: Mailbox,
        /// Its new name.
        to: Mailbox,
    }

    /// Messages were added to a mailbox.
    "messages.appended" DEBUG MessagesAppended {
        /// The session that did it.
        connection: Option<ConnectionId>,
        /// Whose.
        account: Account,
        /// Where to.
        mailbox: Mailbox,
        /// How many.
        messages: u64,
        /// Their size together.
        octets: u64,
    }

    /// Flags of messages were changed.
    "messages.flagged" DEBUG MessagesFlagged {
        /// The session that did it.
        connection: Option<ConnectionId>,
        /// Whose.
        account: Account,
        /// Where.
        mailbox: Mailbox,
        /// How many were changed.
        messages: u64,
    }

    /// Messages were removed for good.
    "messages.expunged" DEBUG MessagesExpunged {
        /// The session that did it.
        connection: Option<ConnectionId>,
        /// Whose.
        account: Account,
        /// Where from.
        mailbox: Mailbox,
        /// How many.
        messages: u64,
    }

    /// Messages were copied to another mailbox.
    "messages.copied" DEBUG MessagesCopied {
        /// The session that did it.
        connection: Option<ConnectionId>,
        /// Whose.
        account: Account,
        /// Where from.
        from: Mailbox,
        /// Where to.
        to: Mailbox,
        /// How many.
        messages: u64,
    }

    /// Messages were moved to another mailbox.
    "messages.moved" DEBUG MessagesMoved {
        /// The session that did it.
        connection: Option<ConnectionId>,
        /// Whose.
        account: Account,
        /// Where from.
        from: Mailbox,
        /// Where to.
        to: Mailbox,
        /// How many.
        messages: u64,
    }

    /// A message came in for a recipient, and is stored.
    "delivery.accepted" INFO DeliveryAccepted {
        /// The session that brought it.
        connection: ConnectionId,
        /// Who sent it; nobody did if it is a bounce.
        sender: Option<MailAddress>,
        /// Whom it was for.
        recipient: MailAddress,
        /// Whose that is.
        account: Option<Account>,
        /// Where it lies.
        mailbox: Mailbox,
        /// Its size there.
        octets: u64,
    }

    /// A message was not taken for a recipient.
    "delivery.refused" INFO DeliveryRefused {
        /// The session that brought it.
        connection: ConnectionId,
        /// Who sent it; nobody did if it is a bounce.
        sender: Option<MailAddress>,
        /// Whom it was for.
        recipient: MailAddress,
        /// Why.
        reason: DeliveryFailure,
    }

    /// A certificate and its key were loaded; new connections get them.
    "certificate.loaded" INFO CertificateLoaded {
        /// The certificate's file.
        file: File,
        /// The first name that it is for.
        server_name: Option<ServerName>,
    }

    /// A certificate or its key could not be used. The pair loaded before stays in use.
    "certificate.rejected" ERROR CertificateRejected {
        /// The certificate's file.
        file: File,
        /// What is wrong with it.
        problem: Problem,
    }

    /// A certificate that is shown was looked at: at the start, when it came in, and once a day.
    "certificate.checked" INFO CertificateChecked {
        /// The certificate's file.
        file: File,
        /// Whole days until it ends.
        days_left: u64,
    }

    /// Clients will not like a certificate that is shown, or soon will not. Told whenever it is looked at.
    "certificate.questionable" WARN CertificateQuestionable {
        /// The certificate's file.
        file: File,
        /// Whole days until it ends.
        days_left: u64,
        /// What is wrong, and what to do.
        finding: Sentence,
    }

    /// No certificate is for a name that users are told to connect to (`public.host`): their clients will refuse this
    /// server. Told whenever certificates are looked at.
    "certificate.missing" WARN CertificateMissing {
        /// The name.
        server_name: ServerName,
    }

    /// An authority issued a certificate. It is shown from the next handshake on, as `certificate.loaded` then tells.
    "certificate.issued" INFO CertificateIssued {
        /// The first name that it is for.
        server_name: ServerName,
        /// Where it lies, with its key.
        file: File,
        /// Whole days until it ends.
        days_left: u64,
    }

    /// A certificate was to be ordered from an authority, and there is none. What is shown stays.
    "certificate.order-failed" WARN CertificateOrderFailed {
        /// The first name that it was to be for.
        server_name: ServerName,
        /// Why.
        problem: Sentence,
        /// How often in a row.
        failures: u64,
        /// When it is tried again, in minutes.
        again_minutes: u64,
    }

    /// The admin added an account.
    "account.added" INFO AccountAdded {
        /// Which.
        account: Account,
    }

    /// The admin removed an account.
    "account.removed" INFO AccountRemoved {
        /// Which.
        account: Account,
    }

    /// The admin brought back an account that was removed, or made one of what a backup held, with its mail and its
    /// password.
    "account.restored" INFO AccountRestored {
        /// Which, by the name that it has now.
        account: Account,
    }

    /// The admin purged an account: what had been expunged from it, or deleted in it, is gone for good.
    "account.purged" INFO AccountPurged {
        /// Which.
        account: Account,
        /// Of which mailbox alone, if of one.
        mailbox: Option<Mailbox>,
        /// How many messages went.
        messages: u64,
        /// How many octets of messages went.
        octets: u64,
    }

    /// The admin disabled an account: nobody can sign in to it, and who was signed in is signed out.
    "account.disabled" INFO AccountDisabled {
        /// Which.
        account: Account,
    }

    /// The admin enabled an account again.
    "account.enabled" INFO AccountEnabled {
        /// Which.
        account: Account,
    }

    /// The directory that an account's owner comes from lets them in no more: whoever was signed in to the account is signed
    /// out, and nothing signs in to it, app passwords and certificates neither, until the directory says otherwise.
    "account.barred" INFO AccountBarred {
        /// Which.
        account: Account,
        /// What the directory says.
        reason: Absence,
    }

    /// A directory lets the owner of an account in again, or has no say in it any more.
    "account.unbarred" INFO AccountUnbarred {
        /// Which.
        account: Account,
    }

    /// The admin said who an account's owner is in a directory elsewhere.
    "account.linked" INFO AccountLinked {
        /// Whose.
        account: Account,
        /// Where, as the settings call it.
        directory: Directory,
    }

    /// The admin said that an account's owner is nobody in a directory elsewhere, and who had signed in by its word is signed
    /// out.
    "account.unlinked" INFO AccountUnlinked {
        /// Whose.
        account: Account,
        /// Where, as the settings call it.
        directory: Directory,
    }

    /// The admin called an account something else.
    "account.renamed" INFO AccountRenamed {
        /// Which, by the name that it has now.
        account: Account,
        /// The name that it had.
        before: Account,
    }

    /// The admin gave an account an app password.
    "account.app-password-added" INFO AppPasswordAdded {
        /// Whose.
        account: Account,
        /// What its owner calls it.
        label: Label,
    }

    /// The admin took an app password back: nobody can sign in with it, and who had is signed out.
    "account.app-password-revoked" INFO AppPasswordRevoked {
        /// Whose.
        account: Account,
        /// What its owner called it.
        label: Label,
    }

    /// The admin let a client certificate stand for an account.
    "account.certificate-bound" INFO CertificateBound {
        /// Whose.
        account: Account,
        /// What its owner calls it.
        label: Label,
        /// The SHA-256 of it, or of its public key where it is bound by that: what `account certificate list` shows.
        sha256: Sha256,
    }

    /// The admin let a client certificate stand for an account no more: nobody can sign in with it, and who had is signed out.
    "account.certificate-unbound" INFO CertificateUnbound {
        /// Whose.
        account: Account,
        /// What its owner called it.
        label: Label,
        /// The SHA-256 of it, or of its public key.
        sha256: Sha256,
    }

    /// The admin has looked after an exposed password: the account is listed no more.
    "account.exposure-cleared" INFO ExposureCleared {
        /// Whose.
        account: Account,
    }

    /// The admin lets mail protocols take an account's own password, or refuse it.
    "account.policy-changed" INFO PasswordPolicyChanged {
        /// Whose.
        account: Account,
    }

    /// An import into an account has ended: mail came, or should have come, from elsewhere. There is one for each run.
    "account.imported" INFO Imported {
        /// Into which.
        account: Account,
        /// Where from.
        source: Source,
        /// Who ran it: the number of the system's user.
        user: u64,
        /// How it ended.
        outcome: ImportOutcome,
        /// How many folders were to be brought; like the numbers below not known of one that was cut off.
        folders: Option<u64>,
        /// How many messages came.
        imported: Option<u64>,
        /// How many had come before.
        already_here: Option<u64>,
        /// How many were refused.
        skipped: Option<u64>,
    }

    /// An export of an account's mail has ended. There is one for each run.
    "account.exported" INFO Exported {
        /// Whose mail.
        account: Account,
        /// Who ran it: the number of the system's user.
        user: u64,
        /// How many messages were given out.
        messages: u64,
        /// How many could not be read.
        damaged: u64,
    }

    /// The admin gave an account limits of its own, or took them back.
    "account.quota-changed" INFO QuotaChanged {
        /// Whose.
        account: Account,
    }

    /// The admin gave an account another password.
    "account.password-changed" INFO PasswordChanged {
        /// Whose.
        account: Account,
    }
}
