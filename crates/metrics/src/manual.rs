//! The manual's page of metrics, from the list.

use crate::declare::Entry;
use crate::list::{Clients, Memory, Process, Store, Tally};
use std::fmt::Write;

const OPENING: &str = r#"# Metrics

What [Prometheus](https://prometheus.io) can read of a running server: a setting opens the page, on an address of its own.

    [metrics]
    listen = "127.0.0.1:9143"

`GET /metrics` answers in Prometheus' text format. `GET /health` answers `200` and `ok` while mail can be stored, and `503`
with the reason while it cannot: reading goes on then, so it is no sign to kill the server by. `gatepost metrics` prints the
same as `/metrics`, also where no address is set.

Nobody signs in there, and nothing is encrypted. No account, address or mailbox is in it, only numbers; but how many sign in
and how many fail is nobody's business outside: listen on this host, or on a network that is your own.

    scrape_configs:
      - job_name: gatepost
        static_configs:
          - targets: ["127.0.0.1:9143"]

Four alerts worth having:

    groups:
      - name: gatepost
        rules:
          - alert: GatepostMailDamaged
            expr: gatepost_scrub_damages{octets="needed"} > 0
            annotations:
              summary: A scrub found damage. The log says whose mail it is (server.rot); see gatepost store check.
          - alert: GatepostNotScrubbed
            # with store.scrub_days as it is by default, 7
            expr: time() - gatepost_scrub_finished_timestamp_seconds > 9 * 86400
            annotations:
              summary: For nine days not everything in the mail store was read and tested.
          - alert: GatepostStoreNotWriting
            expr: gatepost_store_writable == 0
            for: 2m
            annotations:
              summary: Mail cannot be stored. GET /health says why; the server goes on by itself once it can.
          - alert: GatepostCertificateEnds
            # less for certificates that last but days
            expr: gatepost_certificate_expiry_timestamp_seconds - time() < 10 * 86400
            annotations:
              summary: The certificate {{ $labels.certificate }} ends within ten days. See gatepost cert status.

The first of them ends with the next scrub (`gatepost store scrub`) after a [repair](repair.md): damaged octets stay where
they are, and are `needless` then. Octets of a message cannot be mended. They are `needed` until it is expunged and swept away
or [purged](purge.md).

A metric whose number is not known has no sample. Counters begin at 0 with each start. Names keep their meaning from release
to release, and so do labels; there may be more values of a label.

This page is written by `cargo xtask manual` from `crates/metrics/src/list.rs`.
"#;

/// `docs/guide/metrics.md`.
#[must_use]
pub fn manual() -> String {
    let mut page = OPENING.to_owned();
    section(&mut page, "What has happened since the start", &Tally::entries());
    section(&mut page, "The mail store", &Store::entries());
    section(&mut page, "Memory", &Memory::entries());
    section(&mut page, "Who is connected", &Clients::entries());
    section(&mut page, "The process", &Process::entries());
    page
}

fn section(page: &mut String, title: &str, entries: &[Entry]) {
    let table = "| metric | kind | label | |\n|---|---|---|---|";
    write!(page, "\n## {title}\n\n{table}\n").expect("a string takes all that is written to it");
    entries.iter().for_each(|entry| row(page, entry));
}

fn row(page: &mut String, entry: &Entry) {
    let label = entry.label.map(|label| match entry.values.as_slice() {
        [] => format!("`{label}`"),
        values => format!("`{label}`: `{}`", values.join("`, `")),
    });
    let (name, kind, label, says) = (entry.name, entry.kind, label.unwrap_or_default(), entry.sentence());
    writeln!(page, "| `{name}` | {kind} | {label} | {says} |")
        .expect("a string takes all that is written to it");
}
