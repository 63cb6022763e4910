//! What `bench/compare.sh` wrote: a JSON object on each line.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The form of the lines that is known here.
const FORM: u32 = 1;

/// One line.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line {
    Run(Run),
    Server(Server),
    Row(Box<Measurement>),
    Disk(Disk),
    End(End),
}

/// The machine, and how much was asked for.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Run {
    form: u32,
    pub(crate) date: String,
    pub(crate) limits: Limits,
    pub(crate) cpu: String,
    pub(crate) cores: u32,
    pub(crate) memory_kib: u64,
    pub(crate) kernel: String,
    pub(crate) filesystem: String,
    pub(crate) sync_us: f64,
    pub(crate) load: f64,
    pub(crate) rounds: u32,
    pub(crate) seconds: u32,
    pub(crate) users: u32,
    pub(crate) messages: Vec<u64>,
    /// By what CPU was counted.
    pub(crate) counted: String,
    /// What else is to be said of it; may be empty.
    pub(crate) remark: String,
}

/// How large the numbers were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Limits {
    Usual,
    Quick,
    /// One server, with much mail in one mailbox and many sessions.
    Scale,
}

/// One that was measured.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Server {
    pub(crate) server: String,
    pub(crate) version: String,
    pub(crate) config: String,
}

impl Server {
    /// Its name as people write it.
    pub(crate) fn title(&self) -> String {
        title(&self.server)
    }
}

fn title(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What `gatepost bench` said of one measurement, and where it stands in the run.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Measurement {
    pub(crate) server: String,
    pub(crate) messages: u64,
    pub(crate) state: State,
    /// Load of the machine behind it.
    pub(crate) load: f64,
    pub(crate) row: Row,
}

/// What a server has seen of the mail when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Nothing.
    First,
    /// It, and has been started anew since.
    Restarted,
    /// It.
    Later,
}

/// A row of `gatepost bench --json`, as far as it is told here.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Row {
    pub(crate) workload: String,
    pub(crate) variant: String,
    pub(crate) unit: String,
    #[serde(default)]
    pub(crate) ops: u64,
    pub(crate) wall_s: Option<f64>,
    pub(crate) ops_per_s: Option<f64>,
    pub(crate) mb_per_s: Option<f64>,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) max_ms: Option<f64>,
    pub(crate) server_cpu_us_per_op: Option<f64>,
    pub(crate) pss_kib: Option<u64>,
    #[serde(default)]
    pub(crate) wrong: Vec<String>,
    pub(crate) skipped: Option<String>,
    #[serde(default)]
    pub(crate) notes: Map<String, Value>,
}

/// What a server's files take.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Disk {
    pub(crate) server: String,
    pub(crate) messages: u64,
    pub(crate) octets: u64,
}

/// The machine afterwards.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct End {
    pub(crate) load: f64,
    pub(crate) sync_us: f64,
    pub(crate) took_s: u64,
}

/// A run as a whole.
pub(crate) struct Outcome {
    pub(crate) run: Run,
    pub(crate) servers: Vec<Server>,
    pub(crate) measurements: Vec<Measurement>,
    pub(crate) disks: Vec<Disk>,
    /// Missing where the run was ended early.
    pub(crate) end: Option<End>,
}

impl Outcome {
    /// # Errors
    /// A line is not what it has to be, says of its form that it is newer, or what must be there is missing.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let (mut run, mut end) = (None, None);
        let (mut servers, mut measurements, mut disks) = (Vec::new(), Vec::new(), Vec::new());
        for (number, line) in text.lines().enumerate() {
            let line =
                serde_json::from_str(line).map_err(|why| format!("line {} of the result: {why}", number + 1));
            match line? {
                Line::Run(line) => run = Some(line),
                Line::Server(line) => servers.push(line),
                Line::Row(line) => measurements.push(*line),
                Line::Disk(line) => disks.push(line),
                Line::End(line) => end = Some(line),
            }
        }
        let run = run.ok_or("the result does not say what run it is of")?;
        if run.form != FORM {
            return Err(format!("the result is of form {}, and {FORM} is known", run.form));
        }
        if servers.is_empty() || measurements.is_empty() {
            return Err("the result measures nothing".into());
        }
        Ok(Self { run, servers, measurements, disks, end })
    }

    /// The size of the large mailbox with which everything was measured.
    pub(crate) fn largest(&self) -> u64 {
        self.run.messages.iter().copied().max().unwrap_or_default()
    }

    /// The least and the most load there was.
    pub(crate) fn load(&self) -> (f64, f64) {
        let during = self.measurements.iter().map(|measurement| measurement.load);
        let all = during.chain([self.run.load]).chain(self.end.iter().map(|end| end.load));
        all.fold((f64::INFINITY, 0.0), |(least, most), load| (load.min(least), load.max(most)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::RESULT;
    use super::*;

    #[test]
    fn a_result_is_read() {
        let outcome = Outcome::read(RESULT).unwrap();
        assert_eq!(
            outcome.servers.iter().map(Server::title).collect::<Vec<_>>(),
            ["Dovecot", "Cyrus", "Gatepost"]
        );
        assert_eq!((outcome.largest(), outcome.load()), (1_000, (1.5, 9.0)));
        assert_eq!(outcome.run.limits, Limits::Quick);
    }

    #[test]
    fn what_is_no_result_is_refused() {
        let refused = |text: &str| Outcome::read(text).err().unwrap_or_default();
        assert_eq!(refused(""), "the result does not say what run it is of");
        assert!(refused("{\"kind\":\"weather\"}").starts_with("line 1 of the result: unknown variant"));
        let run = RESULT.lines().next().unwrap();
        assert_eq!(refused(run), "the result measures nothing");
        assert_eq!(
            refused(&RESULT.replace("\"form\":1", "\"form\":2")),
            "the result is of form 2, and 1 is known"
        );
    }
}
