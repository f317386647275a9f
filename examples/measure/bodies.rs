//! What is sent: reports of the city, as lines for `/v1/commands` and as bodies for single POSTs.

use bytes::Bytes;
use zhida::city::{City, Report};

/// Seeds of ten digits, so that one can stand in another's place.
pub(crate) const FIRST_SEED: u64 = 1_000_000_000;
const SEED_DIGITS: usize = 10;
/// One case of so many is open in a city that keeps up.
const OPEN_EVERY: u64 = 33;

/// Bodies of lines, whose keys can be made new.
pub(crate) struct Bodies {
    bodies: Vec<Body>,
}

struct Body {
    bytes: Bytes,
    /// Where the seed stands in each line's key.
    seeds: Vec<u32>,
}

impl Bodies {
    /// So many reports, `lines` a body.
    pub(crate) fn of(city: &City, reports: u64, lines: usize) -> Self {
        Self::made(city.reports_only(reports), lines)
    }

    /// The same, settled in the same call but for one of so many, which stays open.
    pub(crate) fn mostly_settled(city: &City, reports: u64, lines: usize) -> Self {
        let settled = (1_u64..).zip(city.reports_only(reports)).map(|(number, report)| Report {
            by: Some(report.place),
            settles: report.matter.on_the_spot && !number.is_multiple_of(OPEN_EVERY),
            ..report
        });
        Self::made(settled, lines)
    }

    fn made<'c>(reports: impl Iterator<Item = Report<'c>>, lines: usize) -> Self {
        let mut reports = reports.peekable();
        let mut bodies = Vec::new();
        while reports.peek().is_some() {
            let mut bytes = Vec::with_capacity(lines * 480);
            let mut seeds = Vec::with_capacity(lines);
            for report in reports.by_ref().take(lines) {
                let begins = bytes.len();
                report.write_line(&mut bytes);
                let prefix = br#"{"command":"report_case","key":"n-"#.len();
                seeds.push(u32::try_from(begins + prefix).expect("a body is below 16 MiB"));
            }
            bodies.push(Body { bytes: bytes.into(), seeds });
        }
        Self { bodies }
    }

    pub(crate) fn len(&self) -> usize {
        self.bodies.len()
    }

    pub(crate) fn bytes_len(&self) -> usize {
        self.bodies.iter().map(|body| body.bytes.len()).sum()
    }

    /// The body of that number as it was made, and its lines.
    pub(crate) fn get(&self, number: usize) -> (Bytes, u64) {
        let body = &self.bodies[number % self.bodies.len()];
        (body.bytes.clone(), body.seeds.len() as u64)
    }

    /// The body of that number with keys of another seed, and its lines.
    pub(crate) fn renewed(&self, number: usize, seed: u64) -> (Bytes, u64) {
        let body = &self.bodies[number % self.bodies.len()];
        let mut bytes = body.bytes.to_vec();
        let digits = format!("{seed:0SEED_DIGITS$}");
        for place in &body.seeds {
            let place = *place as usize;
            bytes[place..place + SEED_DIGITS].copy_from_slice(digits.as_bytes());
        }
        (bytes.into(), body.seeds.len() as u64)
    }
}

/// Bodies of single POSTs: the same reports, without what a line says beside them.
pub(crate) fn single_bodies(city: &City, count: u64) -> Vec<Vec<u8>> {
    let reports = city.reports_only(count);
    reports
        .map(|report| {
            let mut line = Vec::new();
            report.write_line(&mut line);
            let begins = memchr::memmem::find(&line, br#""matter""#);
            let begins = begins.expect("every report names its matter");
            let mut body = vec![b'{'];
            body.extend_from_slice(line[begins..].trim_ascii_end());
            body
        })
        .collect()
}
