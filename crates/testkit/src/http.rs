//! A page over HTTP, fetched.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// The status and the text of a page.
///
/// # Panics
/// What comes back is no answer.
#[must_use]
pub fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let answered = ask(address, path).unwrap_or_else(|why| panic!("{path} at {address}: {why}"));
    let (head, text) = answered.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {answered:?}"));
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|head| head.get(..3)?.parse().ok());
    (status.unwrap_or_else(|| panic!("no status: {head:?}")), text.to_owned())
}

fn ask(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answered = String::new();
    stream.read_to_string(&mut answered)?;
    Ok(answered)
}
