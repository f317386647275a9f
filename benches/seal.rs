//! Sealing a part of 280 bytes under a key of its own, and opening it again.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use zhida::domain::event::PartName;
use zhida::journal::medium::disk::Disk;
use zhida::journal::vault::{Vault, VaultError, VaultOptions};

const TEXT_BYTES: usize = 280;

fn seal(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let options = VaultOptions { steps_ahead: 8, ..VaultOptions::default() };
    let vault = Vault::open(&Disk::at(dir.path()).expect("the directory is there"), options)
        .expect("a new vault");
    let text = vec![b'z'; TEXT_BYTES];
    let mut group = criterion.benchmark_group("seal");
    group.throughput(Throughput::Bytes(TEXT_BYTES as u64));
    group.bench_function("seal 280 B", |bencher| {
        bencher.iter(|| {
            loop {
                match vault.seal(PartName::Text, &text) {
                    Ok(sealed) => break sealed,
                    // Keys are used up faster than any server does: the next are on their way.
                    Err(VaultError::NoneLeft { .. }) => std::thread::yield_now(),
                    Err(error) => panic!("{error}"),
                }
            }
        });
    });
    let sealed = vault.seal(PartName::Text, &text).expect("a key is left");
    group.bench_function("open 280 B", |bencher| {
        bencher.iter(|| vault.open_part(PartName::Text, &sealed).expect("it opens"));
    });
    group.finish();
}

criterion_group!(benches, seal);
criterion_main!(benches);
