//! `gatepost limits`: through the running server if there is one, else by itself.

use crate::account::{Style, ask_or_do, table};
use crate::cli::{Limits, LimitsCommand};
use crate::desk::{LimitLine, Reply, Request, Whom};
use crate::say::say;
use anyhow::{Result, bail};

/// Runs one of its commands.
pub(crate) async fn run(limits: Limits) -> Result<()> {
    let (request, style) = match limits.command {
        LimitsCommand::List { json } => (Request::ListLimits, Style::of(json)),
        LimitsCommand::Clear { address: Some(address), .. } => (clear(Whom::Address(address)), Style::Lines),
        LimitsCommand::Clear { account: Some(account), .. } => (clear(Whom::Account(account)), Style::Lines),
        LimitsCommand::Clear { .. } => (clear(Whom::Everybody), Style::Lines),
    };
    match (ask_or_do(&limits.config.config, request).await?, style) {
        (Reply::Limits(lines), Style::Json) => say!("{}", serde_json::to_string(&lines)?),
        (Reply::Limits(lines), Style::Lines) => table(lines.iter().map(listed)),
        (Reply::Done(sentence), _) => say!("{sentence}"),
        (Reply::Refused(why), _) => bail!(why),
        (reply, _) => bail!("the server answers something else: {reply:?}"),
    }
    Ok(())
}

const fn clear(whom: Whom) -> Request {
    Request::ClearLimits { whom }
}

fn listed(line: &LimitLine) -> Vec<String> {
    let what = match (line.refused_seconds, line.wait_ms) {
        (Some(seconds), _) => format!("strangers are refused for {} min", seconds.div_ceil(60)),
        (None, Some(wait)) => format!("strangers wait for {wait} ms"),
        (None, None) => String::new(),
    };
    vec![line.scope.clone(), line.subject.clone(), format!("{} failures", line.failures), what]
}
