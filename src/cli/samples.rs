//! The sample library inside the binary, so that there is something to ask of before the first
//! document is added, with no checkout and no network.

use super::upload::{Content, Item};

/// A question the samples answer.
pub(crate) const QUESTION: &str = "How high did the water rise at Halewick in December 2021?";

macro_rules! library {
    ($($name:literal),* $(,)?) => {
        &[$((
            $name,
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/library/", $name)) as &[u8],
        )),*]
    };
}

const LIBRARY: &[(&str, &[u8])] = library![
    "atelier-anguilles.txt",
    "besuchsbericht-osmer.odt",
    "bird-counts.xlsx",
    "creek-growth-paper.pdf",
    "eel-ladder-note.docx",
    "field-notebook-2019.txt",
    "land-purchase-memo.docx",
    "monitoring-plan-draft.md",
    "monitoring-plan-final.md",
    "opening-of-the-dike.html",
    "osmer-restoration-report.pdf",
    "public-meeting-2014.txt",
    "saltmarsh-plants.html",
    "steering-group-2023.pptx",
    "the-marsh-remembers.epub",
    "tide-gate-manual.md",
    "visitor-leaflet.pdf",
    "water-quality.csv",
];

/// The sample documents, ready to be uploaded.
pub(crate) fn items() -> Vec<Item> {
    let embedded = |(name, bytes): &(&str, &'static [u8])| Item {
        name: (*name).to_owned(),
        content: Content::Embedded(bytes),
    };
    LIBRARY.iter().map(embedded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_holds_every_file_of_the_library() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/library");
        let mut there: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        there.sort_unstable();
        let held: Vec<&str> = LIBRARY.iter().map(|(name, _)| *name).collect();
        assert_eq!(held, there);
    }
}
