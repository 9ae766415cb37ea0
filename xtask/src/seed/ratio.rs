//! How well what was made compresses: told with every seeded store, so that nobody has to believe it.

use std::io::{self, Write};

use langley_model::Record;
use zstd::stream::write::Encoder;

use super::traffic::Made;

/// zstd's own default.
const LEVEL: i32 = 3;

/// Every so many batches one is looked at; what repeats lies within a few of them.
const EVERY: u64 = 4;

/// What was made, in bytes.
pub(super) struct Measured {
    pub(super) event_bytes: u64,
    pub(super) text_bytes: u64,
    pub(super) text: Packing,
    pub(super) events: Packing,
    batches: u64,
}

/// A stream that is packed to see how small it becomes.
pub(super) struct Packing {
    raw: u64,
    encoder: Encoder<'static, Counted>,
}

/// Counts what is written and keeps nothing.
#[derive(Default)]
struct Counted(u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Packing {
    fn new() -> io::Result<Self> {
        Ok(Self { raw: 0, encoder: Encoder::new(Counted::default(), LEVEL)? })
    }

    fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.raw += bytes.len() as u64;
        self.encoder.write_all(bytes)
    }

    /// How many times smaller it became.
    pub(super) fn ratio(&self) -> f64 {
        self.raw as f64 / self.encoder.get_ref().0.max(1) as f64
    }
}

impl Measured {
    pub(super) fn new() -> io::Result<Self> {
        let (text, events) = (Packing::new()?, Packing::new()?);
        Ok(Self { event_bytes: 0, text_bytes: 0, text, events, batches: 0 })
    }

    /// Takes note of flows that were made together.
    pub(super) fn see(&mut self, made: &[Made]) -> io::Result<()> {
        let look = self.batches.is_multiple_of(EVERY);
        self.batches += 1;
        for one in made {
            self.event_bytes += one.event_bytes;
            for passage in &one.text.passages {
                self.text_bytes += passage.text.len() as u64;
                if look {
                    self.text.add(passage.text.as_bytes())?;
                }
            }
            for record in one.records.iter().filter(|_| look) {
                if let Record::Events(run) = &**record {
                    self.events.add(run.text.as_bytes())?;
                }
            }
        }
        if look {
            self.text.encoder.flush()?;
            self.events.encoder.flush()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_becomes_smaller_and_chance_does_not() {
        let mut random = super::super::Random::new(3);
        let (mut same, mut chance) = (Packing::new().unwrap(), Packing::new().unwrap());
        for _ in 0..2_000 {
            same.add(b"the same words again ").unwrap();
            chance.add(&random.bytes()).unwrap();
        }
        for packing in [&mut same, &mut chance] {
            packing.encoder.flush().unwrap();
        }
        assert!(same.ratio() > 100.0, "{}", same.ratio());
        assert!((0.9..1.1).contains(&chance.ratio()), "{}", chance.ratio());
    }
}
