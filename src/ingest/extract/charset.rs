//! Bytes to characters: byte order marks, UTF-16 without one, declared and guessed encodings.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// As many bytes as a guess looks at; more would not change it.
const SAMPLE: usize = 256 << 10;
const HEAD: usize = 4 << 10;

/// Decodes text in whatever encoding it seems to be; bytes that fit none become `U+FFFD`.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    decode_as(bytes, guess(bytes))
}

/// Decodes markup, which may declare its encoding; a byte order mark wins over the declaration.
pub(super) fn decode_html(bytes: &[u8]) -> Cow<'_, str> {
    let undeclared = Encoding::for_bom(bytes).is_none() && utf16(bytes).is_none();
    match declared(bytes) {
        Some(encoding) if undeclared && std::str::from_utf8(bytes).is_err() => decode_as(bytes, encoding),
        _ => decode(bytes),
    }
}

/// The first few thousand characters, for telling kinds of text apart.
pub(super) fn decode_head(bytes: &[u8]) -> Cow<'_, str> {
    decode_as(&bytes[..bytes.len().min(HEAD)], guess(bytes))
}

/// Whether bytes read as text in some encoding, rather than as numbers only a program knows.
pub(super) fn looks_like_text(bytes: &[u8]) -> bool {
    if Encoding::for_bom(bytes).is_some() || utf16(bytes).is_some() {
        return true;
    }
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let controls = sample
        .iter()
        .filter(|&&byte| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b))
        .count();
    let nuls = sample.iter().filter(|&&byte| byte == 0).count();
    // Some programs pad a text or leave a stray control in it; a signature settles doubts.
    if infer::get(bytes).is_some_and(|kind| {
        use infer::MatcherType::{Archive, Audio, Font, Image, Video};
        matches!(kind.matcher_type(), Archive | Audio | Font | Image | Video)
    }) {
        return controls == 0 && std::str::from_utf8(bytes).is_ok();
    }
    nuls <= 1 + sample.len() / 200 && controls <= 3 + sample.len() / 50
}

fn decode_as<'a>(bytes: &'a [u8], encoding: &'static Encoding) -> Cow<'a, str> {
    // `decode` lets a byte order mark overrule the encoding, and removes it.
    encoding.decode(bytes).0
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding;
    }
    if let Some(encoding) = utf16(bytes) {
        return encoding;
    }
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    match std::str::from_utf8(sample) {
        Ok(_) if sample.len() == bytes.len() || std::str::from_utf8(bytes).is_ok() => return UTF_8,
        // A UTF-8 text with a few damaged bytes is still UTF-8: its other sequences are sound.
        _ if mostly_utf8(sample) => return UTF_8,
        _ => {}
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(sample, sample.len() == bytes.len());
    detector.guess(None, Utf8Detection::Allow)
}

fn mostly_utf8(sample: &[u8]) -> bool {
    let (mut sound, mut broken) = (0_usize, 0_usize);
    for piece in sample.utf8_chunks() {
        sound += piece.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!piece.invalid().is_empty());
    }
    sound > 0 && broken * 20 < sound
}

/// UTF-16 without a mark shows in Latin text as a zero in every second byte.
fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(HEAD) & !1];
    let pairs = sample.len() / 2;
    if pairs < 2 {
        return None;
    }
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    // Real text has line breaks and letters; a binary with zeros in one column seldom decodes.
    let (encoding, filled, empty) = if odd > even { (UTF_16LE, odd, even) } else { (UTF_16BE, even, odd) };
    if filled * 10 < pairs * 6 || empty * 100 > pairs {
        return None;
    }
    let (text, broken) = encoding.decode_without_bom_handling(sample);
    let controls = text.chars().filter(|c| c.is_control() && !c.is_whitespace()).count();
    (!broken && controls == 0).then_some(encoding)
}

fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD)]).to_ascii_lowercase();
    let at = head.find("charset=").map(|at| at + 8).or_else(|| head.find("encoding=").map(|at| at + 9))?;
    let label = head[at..].trim_start_matches(['"', '\'', ' ']);
    let end = label.find(['"', '\'', ' ', ';', '>', '/', '?'])?;
    let encoding = Encoding::for_label(&label.as_bytes()[..end])?;
    // The declaration could be read byte by byte, so the encoding is not UTF-16, whatever it says.
    Some(if encoding == UTF_16BE || encoding == UTF_16LE { UTF_8 } else { encoding })
}
