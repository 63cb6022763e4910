//! One list of settings: parser, defaults and manual.
