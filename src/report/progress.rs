//! A line that says how far a long run is. Only for a terminal, only if the run is long, and gone
//! when it ends.

use std::io::Write;
use std::time::{Duration, Instant};

/// Runs shorter than this show nothing.
const AFTER: Duration = Duration::from_millis(500);
/// The line is not drawn more often than this.
const EVERY: Duration = Duration::from_millis(100);
/// To the start of the line, and clear it.
const CLEAR: &str = "\r\u{1b}[2K";

/// The progress of one run. Where it cannot be written, it is not: no run fails for it.
#[derive(Debug)]
pub struct Progress<W: Write> {
    /// The terminal, if it is one.
    out: Option<W>,
    total: usize,
    done: usize,
    started: Instant,
    /// When the line was last drawn, since the start.
    drawn: Option<Duration>,
}

impl<W: Write> Progress<W> {
    /// Starts the clock. `is_terminal` is found out by the caller; without it nothing is ever written.
    pub fn new(out: W, is_terminal: bool, total: usize) -> Self {
        Self { out: is_terminal.then_some(out), total, done: 0, started: Instant::now(), drawn: None }
    }

    /// One more file is done.
    pub fn step(&mut self) {
        self.step_at(self.started.elapsed());
    }

    /// Takes the line away. Also done on drop.
    pub fn finish(&mut self) {
        if self.drawn.take().is_some() {
            self.put(CLEAR);
        }
    }

    fn step_at(&mut self, elapsed: Duration) {
        self.done += 1;
        let due = self.drawn.map_or(AFTER, |drawn| drawn + EVERY);
        if self.out.is_some() && elapsed >= due {
            self.drawn = Some(elapsed);
            self.put(&format!("{CLEAR}{} of {} files", self.done, self.total));
        }
    }

    fn put(&mut self, text: &str) {
        if let Some(out) = &mut self.out {
            let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            if written.is_err() {
                self.out = None;
            }
        }
    }
}

impl<W: Write> Drop for Progress<W> {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(is_terminal: bool, steps: &[u64]) -> String {
        let mut out = Vec::new();
        let mut progress = Progress::new(&mut out, is_terminal, 9);
        for step in steps {
            progress.step_at(Duration::from_millis(*step));
        }
        drop(progress);
        String::from_utf8(out).unwrap().replace(CLEAR, "|")
    }

    #[test]
    fn a_short_run_writes_nothing() {
        assert_eq!(run(true, &[10, 499]), "");
    }

    #[test]
    fn a_long_run_says_how_far_it_is_and_clears_the_line() {
        assert_eq!(run(true, &[10, 500, 550, 601]), "|2 of 9 files|4 of 9 files|");
    }

    #[test]
    fn nothing_goes_to_what_is_not_a_terminal() {
        assert_eq!(run(false, &[10, 5000]), "");
    }
}
