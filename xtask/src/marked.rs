//! Parts of a page that are written from a list: what stands between two comments that no reader sees.

/// `text` with `part` between `<!-- name -->` and `<!-- /name -->`.
pub(crate) fn put(text: &str, name: &str, part: &str) -> Result<String, String> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let missing = || format!("there is no {begin}... {end}");
    let (before, rest) = text.split_once(&begin).ok_or_else(missing)?;
    let (_, behind) = rest.split_once(&end).ok_or_else(missing)?;
    Ok([before, &begin, part, &end, behind].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_the_marks_is_replaced_and_nothing_else() {
        let page = "a\n<!-- list -->\nold\n<!-- /list -->\nb\n";
        let new = put(page, "list", "new\n");
        assert_eq!(new.as_deref(), Ok("a\n<!-- list -->\nnew\n<!-- /list -->\nb\n"));
        assert_eq!(put(page, "other", ""), Err("there is no <!-- other -->\n... <!-- /other -->".into()));
    }
}
