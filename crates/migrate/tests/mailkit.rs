//! What servers in the world have answered: recordings of MailKit's tests, read as an import reads.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic, and says what it skips"
)]

use migrate::Trouble;
use migrate::imap::{Lines, Part, Response, parse};
use std::fs;
use std::path::{Path, PathBuf};

/// Recordings that are not read to their end, and why that is right.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("exchange/issue115.txt", "a response code stands alone on its line, with neither a tag nor `*`"),
    (
        "gmail/headers.1+unsolicited-info.txt",
        "the literal is longer than announced, and its list does not close on its line",
    ),
];

/// Recordings of IMAP; `None`, with a line that says so, where there is no corpus. CI must have one.
fn corpus(protocol: &str) -> Option<PathBuf> {
    let root = std::env::var_os("GATEPOST_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"), PathBuf::from);
    let folder = root.join("transcripts/mailkit").join(protocol);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "CI needs the corpus: {}",
        folder.display()
    );
    println!("skipped: there is no {} (set GATEPOST_TEST_DATA)", folder.display());
    None
}

/// Recordings below a folder, by their names in it, in their order.
fn recordings(root: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut folders, mut found) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "txt") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.push((name, with_crlf(&fs::read(&path).unwrap())));
            }
        }
    }
    found.sort();
    found
}

/// As MailKit sends them: their lines end in LF in the files, and their literals count CRLF.
fn with_crlf(recorded: &[u8]) -> Vec<u8> {
    let mut sent = Vec::new();
    for line in recorded.split_inclusive(|b| *b == b'\n') {
        let end = line.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        sent.extend_from_slice(end.unwrap_or(line));
        sent.extend_from_slice(if end.is_some() { b"\r\n" } else { b"" });
    }
    sent
}

/// All responses of a recording, messages left out; or what ends it.
async fn read(recorded: &[u8]) -> Result<Vec<Response>, String> {
    let mut lines = Lines::new(tokio::io::join(recorded, tokio::io::sink()));
    let (mut responses, mut octets) = (Vec::new(), 0);
    loop {
        let response = match lines.next().await {
            Ok(Part::Whole(response)) => response,
            Ok(Part::UpToBody(body)) => {
                let mut left = body;
                while left > 0 {
                    lines.body(&mut left).await.map_err(|why| why.to_string())?;
                }
                octets += usize::try_from(body).unwrap();
                // `{0}` stands for the literal, whose own digits were taken out.
                octets += body.to_string().len() - 1;
                lines.rest().await.map_err(|why| why.to_string())?
            }
            Err(Trouble::Lost(_)) if octets == recorded.len() => return Ok(responses),
            Err(why) => return Err(why.to_string()),
        };
        octets += response.len() + 2;
        let text = String::from_utf8_lossy(&response).chars().take(100).collect::<String>();
        responses.push(parse(&response).ok_or(text)?);
    }
}

#[tokio::test]
async fn what_other_servers_answer_is_read_to_its_end() {
    let Some(root) = corpus("Imap") else { return };
    let recordings = recordings(&root);
    assert!(recordings.len() > 300, "{} recordings", recordings.len());
    let (mut count, mut unread) = (0, Vec::new());
    for (name, recorded) in &recordings {
        match read(recorded).await {
            Ok(responses) => count += responses.len(),
            Err(why) => unread.push((name.as_str(), why)),
        }
    }
    let unexpected: Vec<_> =
        unread.iter().filter(|(name, _)| !EXCEPTIONS.iter().any(|(known, _)| known == name)).collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
    assert_eq!(unread.len(), EXCEPTIONS.len(), "an exception that is none any more: {unread:?}");
    assert!(count > 1_200, "{count} responses");
}

/// Nothing of it is IMAP, and nothing of it is a reason to fall over.
#[tokio::test]
async fn servers_of_other_protocols_are_survived() {
    for protocol in ["Pop3", "Smtp"] {
        let Some(root) = corpus(protocol) else { return };
        let recordings = recordings(&root);
        assert!(!recordings.is_empty(), "{protocol}");
        for (name, recorded) in recordings {
            for response in read(&recorded).await.unwrap_or_default() {
                assert!(!matches!(response, Response::Status(_)), "{name}: {response:?}");
            }
        }
    }
}
