//! Lines out of a body that comes in pieces.

/// Cuts lines out of pieces. A line within one piece is read where it lies; only what a piece's
/// end cuts is copied.
#[derive(Debug)]
pub(super) struct Lines {
    /// The beginning of a line whose end has not come.
    carry: Vec<u8>,
    /// The carried line was given out whole.
    is_given: bool,
    /// The line that comes is too long; it is passed over as far as its end.
    is_skipping: bool,
    bytes_max: usize,
}

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Without its end.
    Whole(&'a [u8]),
    /// Longer than a line may be; passed over.
    TooLong,
}

impl Lines {
    /// Lines of at most `bytes_max` bytes.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { carry: Vec::new(), is_given: false, is_skipping: false, bytes_max }
    }

    /// The next line that ends within `rest`, which is cut behind it. None: `rest` is used up.
    pub(super) fn next<'l, 'd: 'l>(&'l mut self, rest: &mut &'d [u8]) -> Option<Line<'l>> {
        if std::mem::take(&mut self.is_given) {
            self.carry.clear();
        }
        let Some(end) = memchr::memchr(b'\n', rest) else {
            self.keep(rest);
            *rest = &[];
            return None;
        };
        let (line, behind) = (&rest[..end], &rest[end + 1..]);
        *rest = behind;
        if std::mem::take(&mut self.is_skipping) || self.carry.len() + line.len() > self.bytes_max {
            self.carry.clear();
            return Some(Line::TooLong);
        }
        if self.carry.is_empty() {
            return Some(Line::Whole(without_return(line)));
        }
        self.carry.extend_from_slice(line);
        self.is_given = true;
        Some(Line::Whole(without_return(&self.carry)))
    }

    /// The line that the body's end ends, if there is one.
    pub(super) fn last(&mut self) -> Option<Line<'_>> {
        if std::mem::take(&mut self.is_skipping) {
            return Some(Line::TooLong);
        }
        if std::mem::take(&mut self.is_given) {
            self.carry.clear();
        }
        (!self.carry.is_empty()).then(|| Line::Whole(without_return(&self.carry)))
    }

    fn keep(&mut self, part: &[u8]) {
        if self.is_skipping || self.carry.len() + part.len() > self.bytes_max {
            self.is_skipping = true;
            self.carry.clear();
            return;
        }
        self.carry.extend_from_slice(part);
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&str], bytes_max: usize) -> Vec<String> {
        let mut lines = Lines::new(bytes_max);
        let mut found = Vec::new();
        let text = |line: Line<'_>| match line {
            Line::Whole(line) => String::from_utf8_lossy(line).into_owned(),
            Line::TooLong => String::from("(too long)"),
        };
        for piece in pieces {
            let mut rest = piece.as_bytes();
            while let Some(line) = lines.next(&mut rest) {
                found.push(text(line));
            }
        }
        if let Some(line) = lines.last() {
            found.push(text(line));
        }
        found
    }

    #[test]
    fn lines_are_the_same_however_the_body_is_cut() {
        let body = "one\n\ntwo\r\nthree\nfour";
        let whole = cut(&[body], 100);
        assert_eq!(whole, ["one", "", "two", "three", "four"]);
        for size in 1..body.len() {
            let pieces: Vec<_> = (0..body.len())
                .step_by(size)
                .map(|at| &body[at..(at + size).min(body.len())])
                .collect();
            assert_eq!(cut(&pieces, 100), whole, "pieces of {size}");
        }
    }

    #[test]
    fn a_line_too_long_is_passed_over_alone() {
        let body = "short\n0123456789\nshort again\n0123456789";
        let expected = ["short", "(too long)", "(too long)", "(too long)"];
        assert_eq!(cut(&[body], 8), expected);
        let expected = ["short", "0123456789", "short again", "0123456789"];
        assert_eq!(cut(&[body], 11), expected);
        for size in 1..9 {
            let pieces: Vec<_> = (0..body.len())
                .step_by(size)
                .map(|at| &body[at..(at + size).min(body.len())])
                .collect();
            assert_eq!(cut(&pieces, 10)[2], "(too long)", "pieces of {size}");
        }
    }
}
