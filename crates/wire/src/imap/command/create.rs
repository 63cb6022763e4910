//! CREATE (RFC 9051, 6.3.4), with USE (RFC 6154, 3).

use super::super::error::Fault;
use super::super::input::Input;
use super::super::mailbox_name::SpeltName;
use super::mailbox;

/// Which mailbox, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create<'a> {
    /// Its name.
    pub mailbox: SpeltName,
    /// The special uses that it is to have, as written behind the backslash, such as `Sent`. Which there are is not the grammar's business.
    pub uses: Vec<&'a str>,
}

/// `"CREATE" SP mailbox [SP "(" create-param *(SP create-param) ")"]` (RFC 4466, 2.2)
pub(super) fn read<'a>(input: &mut Input<'a>) -> Result<Create<'a>, Fault> {
    let mailbox = mailbox::read_spelt(input)?;
    let mut uses = Vec::new();
    if input.take(b' ') {
        let given = input.filled_list("Expected a list of parameters in parentheses", parameter)?;
        uses = given.into_iter().flatten().collect();
    }
    Ok(Create { mailbox, uses })
}

/// `"USE" SP "(" [use-attr *(SP use-attr)] ")"`
fn parameter<'a>(input: &mut Input<'a>) -> Result<Vec<&'a str>, Fault> {
    if !input.keyword("USE") {
        return Err(input.fault("Expected USE"));
    }
    input.space()?;
    input.list("Expected special uses in parentheses", special_use)
}

/// `"\" atom`
fn special_use<'a>(input: &mut Input<'a>) -> Result<&'a str, Fault> {
    const WHAT: &str = "Expected a special use such as \\Sent";
    input.expect(b'\\', WHAT)?;
    input.atom(WHAT)
}
