//! Small real files: a picture, a page and an archive, each in the plainest form that its readers accept.

/// A picture of the sea with a moon, `width` by `height` pixels in sixteen colours (PNG, stored blocks).
pub(crate) fn png(width: u32, height: u32, moon: u32) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    // Four bits a pixel, palette, no interlacing.
    header.extend([4, 3, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    push_chunk(&mut out, b"IHDR", &header);
    push_chunk(&mut out, b"PLTE", &palette());
    push_chunk(&mut out, b"IDAT", &stored(&pixels(width, height, moon)));
    push_chunk(&mut out, b"IEND", &[]);
    out
}

fn push_chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let named = [kind.as_slice(), data].concat();
    out.extend(length(data).to_be_bytes());
    out.extend(&named);
    out.extend(crc32(&named).to_be_bytes());
}

/// Night blue to dawn, then sea, then the moon.
fn palette() -> Vec<u8> {
    let sky = (0..10u8).flat_map(|i| [20 + i * 18, 30 + i * 14, 70 + i * 10]);
    let sea = (0..5u8).flat_map(|i| [10 + i * 6, 60 + i * 16, 90 + i * 16]);
    sky.chain(sea).chain([250, 244, 214]).collect()
}

/// Rows of two pixels an octet, each behind its filter octet.
fn pixels(width: u32, height: u32, moon: u32) -> Vec<u8> {
    let mut out = Vec::new();
    for y in 0..height {
        out.push(0);
        for x in (0..width).step_by(2) {
            out.push(colour(x, y, width, height, moon) << 4 | colour(x + 1, y, width, height, moon));
        }
    }
    out
}

fn colour(x: u32, y: u32, width: u32, height: u32, moon: u32) -> u8 {
    let horizon = height * 3 / 5;
    let (moon_x, moon_y, radius) = (width * (moon % 80 + 10) / 100, height / 4, height / 9);
    let far = x.abs_diff(moon_x).pow(2) + y.abs_diff(moon_y).pow(2);
    let shade = |n: u32| u8::try_from(n).unwrap_or_default();
    match y < horizon {
        true if far < radius.pow(2) => 15,
        true => shade(y * 10 / horizon),
        // Waves: bands that the distance makes narrow, broken up by a few primes.
        false => 10 + shade((x / 7 * 3 + (y - horizon) * 11 / (x % 13 + 5)) % 5),
    }
}

/// zlib with stored blocks (RFC 1950, RFC 1951 3.2.4).
fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = data.chunks(65_535).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(adler32(data).to_be_bytes());
    out
}

fn adler32(data: &[u8]) -> u32 {
    let (a, b) = data.iter().fold((1u32, 0u32), |(a, b), &octet| {
        let a = (a + u32::from(octet)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

/// CRC-32 as PNG and ZIP use it, bit by bit: the files are small.
fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0u32, |crc, &octet| {
        (0..8).fold(crc ^ u32::from(octet), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

fn length(data: &[u8]) -> u32 {
    u32::try_from(data.len()).unwrap_or(u32::MAX)
}

/// A page of text in Helvetica (PDF 1.4). ASCII only; brackets and backslashes are left out.
pub(crate) fn pdf(title: &str, lines: &[String]) -> Vec<u8> {
    let plain =
        |text: &str| text.chars().filter(|c| c.is_ascii() && !"()\\".contains(*c)).collect::<String>();
    let mut page = format!("BT /F1 20 Tf 72 760 Td ({}) Tj /F1 11 Tf 0 -36 Td 16 TL\n", plain(title));
    for line in lines {
        page.push_str(&format!("({}) Tj T*\n", plain(line)));
    }
    page.push_str("ET\n");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_string(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".into(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .into(),
        format!("<< /Length {} >>\nstream\n{page}endstream", page.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".into(),
    ];
    let mut out = String::from("%PDF-1.4\n");
    let mut places = String::new();
    for (object, number) in objects.iter().zip(1..) {
        places.push_str(&format!("{:010} 00000 n \n", out.len()));
        out.push_str(&format!("{number} 0 obj\n{object}\nendobj\n"));
    }
    let table = out.len();
    out.push_str(&format!(
        "xref\n0 6\n0000000000 65535 f \n{places}trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n"
    ));
    out.into_bytes()
}

/// An archive of files that are stored as they are (ZIP 2.0).
pub(crate) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in files {
        let place = length(&out);
        let common = zip_entry(name, data);
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(*data);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        // No comment, first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(place.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let count = u16::try_from(files.len()).unwrap_or(u16::MAX).to_le_bytes();
    let place = length(&out);
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].concat());
    out.extend(length(&directory).to_le_bytes());
    out.extend(place.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// What a file's own header and the directory say alike: version, method, time, checksum, sizes, lengths.
fn zip_entry(name: &str, data: &[u8]) -> Vec<u8> {
    // Version 2.0; names in UTF-8 (bit 11); stored; 00:00 on 2026-11-16.
    let mut entry = vec![20, 0, 0, 8, 0, 0, 0, 0, 0x70, 0x5d];
    entry.extend(crc32(data).to_le_bytes());
    entry.extend(length(data).to_le_bytes());
    entry.extend(length(data).to_le_bytes());
    entry.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
    entry.extend([0, 0]);
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn the_pages_table_points_at_its_objects() {
        let page = String::from_utf8(pdf("Title", &["line".into()])).unwrap();
        let table = page.split("xref\n0 6\n").nth(1).unwrap();
        for (number, line) in (1..=5).zip(table.lines().skip(1)) {
            let place: usize = line.get(..10).unwrap().parse().unwrap();
            assert!(page.get(place..).unwrap().starts_with(&format!("{number} 0 obj")));
        }
    }
}
