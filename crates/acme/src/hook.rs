//! The command that puts a proof into DNS, and takes it out again.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, copy, sink};
use tokio::process::{ChildStderr, Command};
use tokio::time::timeout;

/// Octets of what the command complains that are told.
const MAX_COMPLAINT: u64 = 1_024;
/// How long a command that has ended may keep its complaint open, by children of its own.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A program with its arguments; no shell reads them.
///
/// It gets one argument more, `add` or `remove`, and in its environment `GATEPOST_ACME_NAME` (the record's name,
/// `_acme-challenge.example.org`), `GATEPOST_ACME_VALUE` (what its TXT says) and `GATEPOST_ACME_DOMAIN`
/// (`example.org`). When it ends after `add`, the record must be what the world sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The program, by its path, and its arguments.
    pub command: Vec<String>,
    /// How long it may take.
    pub patience: Duration,
}

/// Why a hook did not do it.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// There is no command.
    #[error("dns-01 needs a command: set acme.dns_hook")]
    None,
    /// It does not start.
    #[error("{0} cannot be started: {1}")]
    NotStarted(String, io::Error),
    /// It took too long, and was ended.
    #[error("{name} took longer than {secs} s", name = .0, secs = .1.as_secs())]
    TooSlow(String, Duration),
    /// It says that it failed.
    #[error("{0} failed ({1}): {2}")]
    Failed(String, ExitStatus, String),
}

/// What a hook is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Add,
    Remove,
}

/// A record in DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) domain: String,
    pub(crate) value: String,
}

impl Hook {
    pub(crate) async fn run(&self, deed: Deed, text: &Text) -> Result<(), HookError> {
        let [program, arguments @ ..] = self.command.as_slice() else { return Err(HookError::None) };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(if deed == Deed::Add { "add" } else { "remove" })
            // RFC 8555, 8.4: the record of a wildcard is that of the name below it.
            .env("GATEPOST_ACME_NAME", format!("_acme-challenge.{}", text.domain))
            .env("GATEPOST_ACME_VALUE", &text.value)
            .env("GATEPOST_ACME_DOMAIN", &text.domain)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        match timeout(self.patience, perform(command, program)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(HookError::TooSlow(program.clone(), self.patience)),
        }
    }
}

async fn perform(mut command: Command, program: &str) -> Result<(), HookError> {
    let not_started = |why| HookError::NotStarted(program.to_owned(), why);
    let mut child = command.spawn().map_err(not_started)?;
    let complaint = child.stderr.take().map(|stderr| tokio::spawn(listen(stderr)));
    let status = child.wait().await.map_err(not_started)?;
    if status.success() {
        return Ok(());
    }
    let complaint = match complaint {
        Some(complaint) => timeout(LAST_WORDS, complaint).await.ok().and_then(Result::ok).unwrap_or_default(),
        None => String::new(),
    };
    Err(HookError::Failed(program.to_owned(), status, complaint))
}

/// Its first words; the rest is read too, so that it does not wait for us.
async fn listen(stderr: ChildStderr) -> String {
    let mut first = stderr.take(MAX_COMPLAINT);
    let mut said = Vec::new();
    if first.read_to_end(&mut said).await.is_ok() {
        copy(&mut first.into_inner(), &mut sink()).await.ok();
    }
    String::from_utf8_lossy(&said).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Hook {
        let command = ["/bin/sh", "-c", script, "hook"].map(str::to_owned).to_vec();
        Hook { command, patience: Duration::from_secs(30) }
    }

    fn text() -> Text {
        Text { domain: "example.org".into(), value: "abc".into() }
    }

    #[tokio::test]
    async fn a_hook_is_told_by_arguments_and_environment() {
        let file = std::env::temp_dir().join(format!("acme-hook-{}", std::process::id()));
        let script = format!(
            "echo $1 $GATEPOST_ACME_NAME $GATEPOST_ACME_VALUE $GATEPOST_ACME_DOMAIN >> {}",
            file.display()
        );
        for deed in [Deed::Add, Deed::Remove] {
            shell(&script).run(deed, &text()).await.unwrap();
        }
        let told = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        let rest = "_acme-challenge.example.org abc example.org";
        assert_eq!(told, format!("add {rest}\nremove {rest}\n"));
    }

    #[tokio::test]
    async fn no_shell_reads_what_a_hook_is_given() {
        let command = ["/usr/bin/test", "$HOME;false", "!=", "", "-o"].map(str::to_owned).to_vec();
        // test(1): '$HOME;false' is not the empty string.
        let hook = Hook { command, patience: Duration::from_secs(30) };
        hook.run(Deed::Add, &text()).await.unwrap();
    }

    #[tokio::test]
    async fn what_a_failing_hook_complains_is_told_and_no_more_of_it_than_a_screen() {
        let why =
            shell("echo no such zone >&2; exit 3").run(Deed::Add, &text()).await.unwrap_err().to_string();
        assert_eq!(why, "/bin/sh failed (exit status: 3): no such zone");
        let loud = shell("head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1");
        let why = loud.run(Deed::Add, &text()).await.unwrap_err().to_string();
        assert!(why.len() < 1_100, "{}", why.len());
    }

    #[tokio::test]
    async fn a_hook_that_takes_too_long_is_ended() {
        let hook =
            Hook { patience: Duration::from_millis(1), ..shell("read never < /dev/tty || exec sleep 100") };
        assert!(matches!(hook.run(Deed::Add, &text()).await, Err(HookError::TooSlow(..))));
        let absent = Hook { command: vec!["/nowhere/hook".into()], patience: Duration::from_secs(1) };
        assert!(matches!(absent.run(Deed::Add, &text()).await, Err(HookError::NotStarted(..))));
        let none = Hook { command: Vec::new(), patience: Duration::from_secs(1) };
        assert!(matches!(none.run(Deed::Add, &text()).await, Err(HookError::None)));
    }
}
