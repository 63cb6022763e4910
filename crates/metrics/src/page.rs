//! Prometheus' text format, version 0.0.4.
//!
//! Each metric has its HELP and TYPE, also where nothing is known of it.

use crate::declare::Entry;
use crate::value::Reading;
use std::fmt::{Display, Write};

/// What a page is, for HTTP.
pub const MIME_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page in the making.
#[derive(Debug, Default)]
pub(crate) struct Page(String);

impl Page {
    pub(crate) fn family(&mut self, entry: &Entry, reading: &impl Reading) {
        self.line(format_args!("# HELP {} {}", entry.name, escaped(&entry.sentence())));
        self.line(format_args!("# TYPE {} {}", entry.name, entry.kind));
        reading.write(&mut Samples { page: self, name: entry.name, label: entry.label.unwrap_or("value") });
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }

    fn line(&mut self, line: impl Display) {
        writeln!(self.0, "{line}").expect("a string takes all that is written to it");
    }
}

/// Where one metric's numbers go.
pub(crate) struct Samples<'p> {
    page: &'p mut Page,
    name: &'static str,
    label: &'static str,
}

impl Samples<'_> {
    pub(crate) fn number(&mut self, number: impl Display) {
        self.suffixed("", number);
    }

    pub(crate) fn suffixed(&mut self, suffix: &str, number: impl Display) {
        self.page.line(format_args!("{}{suffix} {number}", self.name));
    }

    pub(crate) fn labelled(&mut self, value: &str, number: impl Display) {
        let value = escaped(value).replace('"', "\\\"");
        self.page.line(format_args!("{}{{{}=\"{value}\"}} {number}", self.name, self.label));
    }

    pub(crate) fn bucket(&mut self, bound: impl Display, number: u64) {
        self.page.line(format_args!("{}_bucket{{le=\"{bound}\"}} {number}", self.name));
    }
}

fn escaped(help: &str) -> String {
    help.replace('\\', "\\\\").replace('\n', "\\n")
}
