//! Ctrl-C and its like as a question: has somebody asked the program to end?

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::SigId;
use signal_hook::consts;

/// Hears the signals that end a program, for as long as it lives; they end nothing by themselves then.
#[derive(Debug)]
pub(crate) struct Interrupt {
    came: Arc<AtomicBool>,
    signals: Vec<SigId>,
}

impl Interrupt {
    /// Starts to listen.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn listen() -> io::Result<Self> {
        let mut interrupt = Self { came: Arc::default(), signals: Vec::new() };
        let ends = [consts::SIGINT, consts::SIGTERM];
        #[cfg(unix)]
        let ends = ends.into_iter().chain([consts::SIGHUP]);
        for signal in ends {
            let id = signal_hook::flag::register(signal, Arc::clone(&interrupt.came))?;
            interrupt.signals.push(id);
        }
        Ok(interrupt)
    }

    /// Whether a signal has come.
    pub(crate) fn came(&self) -> bool {
        self.came.load(Ordering::Relaxed)
    }

    /// Forgets the signals that have come.
    pub(crate) fn forget(&self) {
        self.came.store(false, Ordering::Relaxed);
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        for signal in self.signals.drain(..) {
            signal_hook::low_level::unregister(signal);
        }
    }
}
