//! Headers of segments that have rotted, written back: the same octets, at the place where they were.

use crate::LocalStore;
use crate::check::{Planned, plan};
use crate::engine::Engine;
use crate::log::format::{SEGMENT_HEADER, SegmentHeader, has_second_header};
use crate::log::segments::{segment_name, segment_path};
use std::io;
use store::StoreError;

impl LocalStore {
    /// Writes back what of the log's headers has rotted and is known all the same; says in words which. A segment is known
    /// by its second header, and one that is open by what was read when it was opened.
    ///
    /// # Errors
    /// The log cannot be read or written now.
    pub fn mend_headers(&self) -> Result<Vec<String>, StoreError> {
        let (segments, _) = plan(&self.engine).map_err(|e| self.engine.unreadable(e))?;
        let mut mended = Vec::new();
        for planned in &segments {
            let Some(header) = &planned.header else { continue };
            let written = mend(&self.engine, planned, header).map_err(|e| StoreError::Unavailable {
                reason: format!("{} could not be mended ({e})", segment_name(planned.number)),
                uncertain: true,
            })?;
            if written == Written::Something {
                mended.push(format!("log/{}: its header was written again", segment_name(planned.number)));
            }
        }
        Ok(mended)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Nothing,
    Something,
}

fn mend(engine: &Engine, planned: &Planned, header: &SegmentHeader) -> io::Result<Written> {
    let file = engine.segments.disk.open(&segment_path(planned.number))?;
    let (right, length) = (header.encode(), file.length()?);
    let second = has_second_header(planned.end, length).then_some(planned.end);
    let mut written = Written::Nothing;
    for at in std::iter::once(0).chain(second) {
        let mut octets = [0; SEGMENT_HEADER];
        // A file that is shorter than its header has nothing that the header would be good for.
        if file.read_exact_at(&mut octets, at).is_ok() && octets.as_slice() != right {
            file.write_at(&right, at)?;
            file.sync_data()?;
            written = Written::Something;
        }
    }
    Ok(written)
}
