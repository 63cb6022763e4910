//! `operations` names all operations; `operations NAME TIMES` runs one of them so many times and says nothing.

#![expect(clippy::print_stdout, reason = "it is a command line")]

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        operations::all().for_each(|operation| println!("{operation}"));
        return Ok(());
    };
    let operation = operations::find(&name).ok_or_else(|| format!("there is no operation {name}"))?;
    let times = arguments.next().ok_or("how many times?")?.parse()?;
    Ok(operation.run(times)?)
}
