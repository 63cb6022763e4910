//! The texts in `demo/texts/`: blocks that begin with `= a | b | c`, comments with `#`.

/// A block: the fields of its first line, and what follows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block<'t> {
    pub(crate) fields: Vec<&'t str>,
    pub(crate) text: &'t str,
}

impl<'t> Block<'t> {
    /// The field at `place`, counted from 0; empty where there is none.
    pub(crate) fn field(&self, place: usize) -> &'t str {
        self.fields.get(place).copied().unwrap_or_default()
    }
}

/// The blocks whose first lines begin with `mark`. What stands before the first is no block.
pub(crate) fn blocks<'t>(text: &'t str, mark: &'t str) -> impl Iterator<Item = Block<'t>> {
    let starts = text.match_indices(mark).map(|(at, _)| at);
    let mut starts = starts.filter(|&at| at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n')).peekable();
    std::iter::from_fn(move || {
        let start = starts.next()?;
        let end = starts.peek().copied().unwrap_or(text.len());
        let block = text.get(start + mark.len()..end)?;
        let (first, rest) = block.split_once('\n').unwrap_or((block, ""));
        Some(Block { fields: first.split(" | ").map(str::trim).collect(), text: rest.trim_matches('\n') })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_its_fields_and_its_text() {
        let found: Vec<_> = blocks("# a comment\n= a | b\nx = y\n\nz\n\n= c\n", "= ").collect();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].field(1), found[0].text), ("b", "x = y\n\nz"));
        assert_eq!((found[1].field(0), found[1].field(7), found[1].text), ("c", "", ""));
    }
}
