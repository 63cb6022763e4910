//! How far an import is, as bars on a terminal and nowhere else: not in a pipe, and not beside data for a program.

use crate::account::Style;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use migrate::Watcher;
use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

const STYLE: &str = "{prefix:24!} {bar:30} {pos}/{len}, {eta} to go";

/// A bar for each folder that is being brought.
pub(crate) struct Progress {
    /// `None` where nobody looks.
    all: Option<MultiProgress>,
    bars: Mutex<HashMap<String, ProgressBar>>,
}

impl Progress {
    pub(crate) fn new(style: Style) -> Self {
        let is_watched = matches!(style, Style::Lines) && std::io::stderr().is_terminal();
        let all = is_watched.then(MultiProgress::new);
        Self { all, bars: Mutex::default() }
    }

    /// Takes the bars away.
    pub(crate) fn clear(&self) {
        if let Some(all) = &self.all {
            // A terminal that cannot be written to has nothing to be taken away.
            let _ = all.clear();
        }
    }

    /// Does what writes to the terminal while no bar is on it.
    pub(crate) fn aside(&self, act: impl FnOnce()) {
        match &self.all {
            Some(all) => all.suspend(act),
            None => act(),
        }
    }

    /// No bars, wherever they would go.
    pub(crate) fn none() -> Self {
        Self { all: None, bars: Mutex::default() }
    }

    fn with(&self, act: impl FnOnce(&MultiProgress, &mut HashMap<String, ProgressBar>)) {
        if let Some(all) = &self.all {
            act(all, &mut self.bars.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Watcher for Progress {
    fn begins(&self, folder: &str, messages: u64) {
        self.with(|all, bars| {
            let style = ProgressStyle::with_template(STYLE).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = all.add(ProgressBar::new(messages)).with_style(style).with_prefix(folder.to_owned());
            bars.insert(folder.to_owned(), bar);
        });
    }

    fn moves(&self, folder: &str, messages: u64) {
        self.with(|_, bars| bars.get(folder).into_iter().for_each(|bar| bar.inc(messages)));
    }

    fn ends(&self, folder: &str) {
        self.with(|_, bars| bars.remove(folder).into_iter().for_each(|bar| bar.finish_and_clear()));
    }
}
