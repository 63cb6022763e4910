//! What is told of our own certificates: at the start, when fresh ones come in, and once a day.

use certificates::{Authorities, Certificates, Shown};
use events::{Event, Sentence, ServerName};
use settings::Settings;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// From one look to the next.
pub(crate) const DAILY: Duration = Duration::from_hours(24);

/// Looks at what is shown as a client would.
#[derive(Debug)]
pub(crate) struct Inspection {
    certificates: Arc<Certificates>,
    /// The names that users are told to connect to.
    published: Vec<Box<str>>,
}

impl Inspection {
    pub(crate) fn new(settings: &Settings, certificates: Arc<Certificates>) -> Self {
        Self { certificates, published: vec![settings.public_host().as_str().into()] }
    }

    /// Looks, and tells. It reads the system's authorities from the disk.
    pub(crate) fn tell(&self, now: SystemTime) {
        let shown = self.certificates.portraits(&Authorities::of_the_system(), now);
        shown.iter().for_each(|shown| tell_of(shown, now));
        for name in self.certificates.unnamed(self.published.iter().map(AsRef::as_ref)) {
            Event::CertificateMissing { server_name: ServerName::new(name) }.log();
        }
    }
}

fn tell_of(shown: &Shown, now: SystemTime) {
    let file = events::File::from(shown.files.chain.as_path());
    let Some(portrait) = &shown.portrait else { return };
    let days_left = portrait.days_left(now);
    Event::CertificateChecked { file: file.clone(), days_left }.log();
    for finding in &portrait.findings {
        let finding = Sentence::new(&finding.to_string());
        Event::CertificateQuestionable { file: file.clone(), days_left, finding }.log();
    }
}
