//! Times all operations: `cargo bench -p operations`, or some of them: `cargo bench -p operations -- mailbox/`.

use divan::Bencher;
use operations::{Operation, all, commit_on_real_disk};
use std::path::Path;

fn main() {
    divan::main();
}

#[divan::bench(args = all())]
fn operation(bencher: Bencher<'_, '_>, operation: &Operation) {
    bencher.bench_local((operation.prepare)());
}

/// What a disk takes of the time of a commit.
#[divan::bench(sample_size = 1, max_time = 2)]
fn commit_with_syncs(bencher: Bencher<'_, '_>) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("operations-{}", std::process::id()));
    bencher.bench_local(commit_on_real_disk(&directory));
    // What is left when it cannot be taken away lies in the target directory.
    let _ = std::fs::remove_dir_all(&directory);
}
