//! Server-sent events, read: bytes in, frames out, however the bytes were cut. Not a client; it
//! knows neither HTTP nor the vendors, and it holds at most one bounded frame.

use std::collections::VecDeque;
use std::mem;

/// The longest line, and the longest frame, that is read.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

/// One event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The name in its `event` field, empty without one.
    pub(crate) event: String,
    /// Its `data` lines, joined by line feeds.
    pub(crate) data: String,
}

/// Turns the pieces of a body into frames.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    frames: VecDeque<Frame>,
    line: Vec<u8>,
    event: String,
    data: Option<String>,
    after_cr: bool,
    past_first_line: bool,
}

impl Decoder {
    /// Takes the next piece of the body.
    ///
    /// # Errors
    /// In words, if a line or frame is longer than [`MAX_BYTES`] or is not UTF-8.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<(), &'static str> {
        if bytes.is_empty() {
            return Ok(());
        }
        if mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
            bytes = &bytes[1..];
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            self.extend_line(&bytes[..end])?;
            self.end_line()?;
            let is_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            match bytes.first() {
                Some(b'\n') if is_cr => bytes = &bytes[1..],
                None => self.after_cr = is_cr,
                Some(_) => {}
            }
        }
        self.extend_line(bytes)
    }

    /// Says that the body is over. A frame that lacks only its blank line counts, since some
    /// servers hang up right after their last one.
    pub(crate) fn finish(&mut self) -> Result<(), &'static str> {
        if !self.line.is_empty() {
            self.end_line()?;
        }
        self.end_frame();
        Ok(())
    }

    /// The oldest frame not yet taken.
    pub(crate) fn pop(&mut self) -> Option<Frame> {
        self.frames.pop_front()
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        if self.line.len() + bytes.len() > MAX_BYTES {
            return Err("a line is longer than 1 MiB");
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), &'static str> {
        let bytes = mem::take(&mut self.line);
        let line = std::str::from_utf8(&bytes).map_err(|_| "a line is not UTF-8")?;
        let line = match mem::replace(&mut self.past_first_line, true) {
            true => line,
            false => line.strip_prefix('\u{feff}').unwrap_or(line),
        };
        let kept = self.read_line(line);
        self.line = bytes;
        self.line.clear();
        kept
    }

    fn read_line(&mut self, line: &str) -> Result<(), &'static str> {
        if line.is_empty() {
            self.end_frame();
            return Ok(());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                let frame_bytes = self.data.as_ref().map_or(0, String::len) + value.len();
                if frame_bytes > MAX_BYTES {
                    return Err("an event is longer than 1 MiB");
                }
                match &mut self.data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(value);
                    }
                    None => self.data = Some(value.to_owned()),
                }
            }
            "event" => value.clone_into(&mut self.event),
            _ => {}
        }
        Ok(())
    }

    fn end_frame(&mut self) {
        let event = mem::take(&mut self.event);
        if let Some(data) = self.data.take() {
            self.frames.push_back(Frame { event, data });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Frame>, &'static str> {
        let mut decoder = Decoder::default();
        for piece in pieces {
            decoder.push(piece)?;
        }
        decoder.finish()?;
        Ok(std::iter::from_fn(|| decoder.pop()).collect())
    }

    fn frames(text: &str) -> Vec<(String, String)> {
        let frames = decode([text.as_bytes()]).unwrap();
        frames.into_iter().map(|frame| (frame.event, frame.data)).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(event, data)| ((*event).to_owned(), (*data).to_owned())).collect()
    }

    #[test]
    fn fields_comments_and_line_ends_are_read_as_the_standard_says() {
        for (text, expected) in [
            ("data: a\n\ndata:b\n\n", &[("", "a"), ("", "b")][..]),
            ("event: x\r\ndata: a\r\n\r\n", &[("x", "a")]),
            ("event: x\rdata: a\r\rdata: b\r\r", &[("x", "a"), ("", "b")]),
            ("\u{feff}data: a\n\n", &[("", "a")]),
            (": ping\n\nid: 1\nretry: 5\nother: y\n\n", &[]),
            ("data: a\ndata: b\n\n", &[("", "a\nb")]),
            ("data\n\ndata:  two\n\n", &[("", ""), ("", " two")]),
            ("event: lost\n\ndata: a\n\n", &[("", "a")]),
            ("data: no blank line", &[("", "no blank line")]),
            ("data: a:b\n\n", &[("", "a:b")]),
        ] {
            assert_eq!(frames(text), pairs(expected), "{text:?}");
        }
    }

    #[test]
    fn an_endless_line_or_frame_is_refused_and_not_kept() {
        let mut decoder = Decoder::default();
        let piece = vec![b'x'; 64 * 1024];
        let refused = (0..1600).find_map(|_| decoder.push(&piece).err());
        assert_eq!(refused, Some("a line is longer than 1 MiB"));
        assert!(decoder.line.len() <= MAX_BYTES);

        let mut decoder = Decoder::default();
        let line = format!("data: {}\n", "x".repeat(64 * 1024));
        let refused = (0..1600).find_map(|_| decoder.push(line.as_bytes()).err());
        assert_eq!(refused, Some("an event is longer than 1 MiB"));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused() {
        assert_eq!(decode([&b"data: \xff\xfe\n\n"[..]]), Err("a line is not UTF-8"));
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_frames(
            text in "(data: ?[aé漢😀:]{0,6}|event: ?[a-z]{0,3}|:[a-z]{0,3}|\u{feff}|)(\r|\n|\r\n|\r\r|\n\n|\r\n\r\n){1}\
                     ((data: ?[aé漢😀:]{0,6}|event: [a-z]{0,3}|)(\r|\n|\r\n|\r\r|\n\n|\r\n\r\n)){0,12}",
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
            prop_assert_eq!(decode(pieces), decode([bytes]));
        }

        #[test]
        fn what_is_written_is_read_back(
            data in prop::collection::vec("[^\r\n]{0,40}", 1..4),
            event in "[a-z_]{0,12}",
            end in prop::sample::select(vec!["\n", "\r", "\r\n"]),
        ) {
            let mut text = format!("event: {event}{end}");
            for line in &data {
                text.push_str(&format!("data: {line}{end}"));
            }
            text.push_str(end);
            prop_assert_eq!(frames(&text), vec![(event, data.join("\n"))]);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode(bytes.chunks(3));
        }
    }
}
