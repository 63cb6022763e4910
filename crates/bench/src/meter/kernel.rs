//! What the kernel itself holds: for sockets and what hangs on them.

use std::fs;
use std::path::Path;

/// The buffers of TCP and all structures (`Slab`), in KiB; of the whole machine, for the kernel does not say whose they are.
/// `None` where it does not say so.
pub(super) fn kib(proc: &Path) -> Option<u64> {
    let sockets = fs::read_to_string(proc.join("net/sockstat")).ok()?;
    let memory = fs::read_to_string(proc.join("meminfo")).ok()?;
    let page_kib = u64::try_from(rustix::param::page_size()).ok()? >> 10;
    Some(pages(&sockets)?.saturating_mul(page_kib).saturating_add(slab(&memory)?))
}

/// `TCP: inuse 9 orphan 0 tw 0 alloc 9 mem 3` counts in pages.
fn pages(sockstat: &str) -> Option<u64> {
    let tcp = sockstat.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = tcp.split_ascii_whitespace();
    words.find(|word| *word == "mem")?;
    words.next()?.parse().ok()
}

fn slab(meminfo: &str) -> Option<u64> {
    let slab = meminfo.lines().find_map(|line| line.strip_prefix("Slab:"))?;
    slab.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_tcp_and_the_slab_are_added() {
        let sockstat = "sockets: used 90\nTCP: inuse 9 orphan 0 tw 2 alloc 9 mem 30\nUDP: inuse 1 mem 7\n";
        assert_eq!((pages(sockstat), pages("UDP: mem 7\n")), (Some(30), None));
        assert_eq!(slab("MemTotal: 1 kB\nSlab:             123456 kB\n"), Some(123_456));
        assert!(kib(Path::new("/proc")).is_some_and(|kib| kib > 100));
        assert_eq!(kib(Path::new("/nowhere")), None);
    }
}
