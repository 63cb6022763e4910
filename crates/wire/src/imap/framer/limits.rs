//! How much a peer may send before it has to be understood.

/// Every limit on what a peer can make us hold or read, in one place (threats T-10 to T-12).
///
/// The nesting and size of what a command *says* are the grammar's: 32 levels and 4,096 list members (a
/// search may have 8,192 words), whatever the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of one command outside its literals, all of its lines and their ends together.
    pub line_octets: usize,
    /// Octets of one literal that is kept in memory.
    pub literal_octets: u64,
    /// Octets of all literals of one command that are kept in memory.
    pub literals_per_command_octets: u64,
    /// Octets of one literal that is streamed, and never in memory as a whole.
    pub streamed_octets: u64,
    /// Octets of one literal that comes without asking: `{n+}`.
    pub non_sync_octets: u64,
    /// Octets that are skipped to find the end of one bad command. Beyond, synchronisation is given up.
    pub skipped_octets: u64,
    /// What ends a line.
    pub line_end: LineEnd,
}

/// What ends a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineEnd {
    /// CRLF, as RFC 9051 has it in 2.2. A lone LF ends a line too, and makes the command a bad one: whoever
    /// reads the stream otherwise must not find another command in it.
    CrLf,
    /// A lone LF too. Under TLS there is nobody in between to disagree with, and people type into
    /// `openssl s_client`, which sends LF.
    CrLfOrLf,
}

const KIB: u64 = 1_024;
const MIB: u64 = 1_024 * KIB;

impl Limits {
    /// Before TLS: 8 KiB, no literals, and nothing is skipped: `{5+}` ends the connection.
    pub const BEFORE_TLS: Self = Self {
        line_octets: 8 * 1_024,
        literal_octets: 0,
        literals_per_command_octets: 0,
        streamed_octets: 0,
        non_sync_octets: 0,
        skipped_octets: 0,
        line_end: LineEnd::CrLf,
    };

    /// Under TLS before login: 64 KiB, of which literals of up to 8 KiB (names, passwords, tokens).
    pub const BEFORE_LOGIN: Self = Self::before_login(64 * 1_024, 8 * KIB);

    /// Under TLS before login, for a command of `octets` with literals of up to `literal_octets`. Three eighths of it
    /// are for lines, the rest for literals: a token is longer than the command around it.
    #[must_use]
    pub const fn before_login(octets: usize, literal_octets: u64) -> Self {
        let line_octets = octets / 8 * 3;
        Self {
            line_octets,
            literal_octets,
            literals_per_command_octets: (octets - line_octets) as u64,
            streamed_octets: 0,
            non_sync_octets: 4 * KIB,
            skipped_octets: octets as u64,
            line_end: LineEnd::CrLfOrLf,
        }
    }

    /// After login: lines of 1 MiB (SOGo lists that many UIDs), and messages of up to `append_octets`.
    ///
    /// RFC 7888, 5: with LITERAL- a literal that comes without asking has at most 4,096 octets.
    #[must_use]
    pub const fn after_login(append_octets: u64) -> Self {
        Self {
            line_octets: 1_024 * 1_024,
            literal_octets: 64 * KIB,
            literals_per_command_octets: MIB,
            streamed_octets: append_octets,
            non_sync_octets: 4 * KIB,
            skipped_octets: 64 * MIB,
            line_end: LineEnd::CrLfOrLf,
        }
    }

    /// The same for clients that are told LITERAL+ (RFC 7888, 4): no literal has to ask, and of a command that is refused so
    /// many octets come all the same, and are skipped.
    #[must_use]
    pub const fn with_any_literal_unasked(self, octets: u64) -> Self {
        let skipped_octets = self.skipped_octets.saturating_add(octets);
        Self { non_sync_octets: u64::MAX, skipped_octets, ..self }
    }

    /// The same with commands of up to `octets`, and as much again for their literals.
    #[must_use]
    pub const fn with_command_octets(self, octets: usize) -> Self {
        Self { line_octets: octets, literals_per_command_octets: octets as u64, ..self }
    }
}
