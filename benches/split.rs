//! How fast text is cut into passages, for Markdown, for text with paragraphs, for sixteen times as
//! much of it (the same throughput says that time grows with the text and not with its square), and
//! for text without any structure.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ibid::ingest::extract::{Limits, extract};
use ibid::ingest::passages::{View, split};

fn speed(criterion: &mut Criterion) {
    let sentence =
        "Bees fly over the meadow in June, and the keeper, who counts them, writes the number down. ";
    let mut markdown = String::new();
    for section in 0..400 {
        markdown.push_str(&format!("## Section {section}\n\n{}\n\n", sentence.repeat(section % 30 + 1)));
        markdown
            .push_str("- one thing\n- another thing\n\n| year | bees |\n| --- | --- |\n| 2021 | 412 |\n\n");
    }
    let plain = format!("{}\n\n", sentence.repeat(6)).repeat(1_500);
    let longer = plain.repeat(16);
    let unbroken = sentence.repeat(9_000);
    let mut group = criterion.benchmark_group("split");
    for (name, file, text) in [
        ("markdown", "a.md", markdown),
        ("text", "a.txt", plain),
        ("longer text", "a.txt", longer),
        ("one_line", "a.txt", unbroken),
    ] {
        let extracted = extract(text.as_bytes(), file, &Limits::default()).expect("a text can be read");
        group.throughput(Throughput::Bytes(extracted.text.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| split(View::from(&extracted)).len()));
    }
    group.finish();
}

criterion_group!(benches, speed);
criterion_main!(benches);
