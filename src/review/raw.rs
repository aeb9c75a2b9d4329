//! A terminal that hands over each key as it is typed, for as long as a value of [`Raw`] lives.

#[cfg(unix)]
pub(super) use unix::Raw;

#[cfg(not(unix))]
pub(super) use elsewhere::Raw;

#[cfg(unix)]
mod unix {
    use std::io;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::stdio::stdin;
    use rustix::termios::{OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};

    use super::super::keys::{Decoded, decode};
    use console::Key;

    /// How long the rest of a sequence may take, over a slow line.
    const REST: Duration = Duration::from_millis(60);

    /// A terminal in raw mode; as it was when this is dropped.
    pub(in super::super) struct Raw {
        original: Termios,
        bytes: Vec<u8>,
    }

    impl Raw {
        /// Takes the terminal.
        pub(in super::super) fn enter() -> io::Result<Self> {
            let original = tcgetattr(stdin())?;
            let mut raw = original.clone();
            raw.make_raw();
            // A line feed still goes to the start of the line.
            raw.output_modes = original.output_modes;
            tcsetattr(stdin(), OptionalActions::Now, &raw)?;
            Ok(Self { original, bytes: Vec::new() })
        }

        /// Forgets what was typed and not read.
        pub(in super::super) fn forget(&mut self) -> io::Result<()> {
            self.bytes.clear();
            Ok(tcflush(stdin(), QueueSelector::IFlush)?)
        }

        /// The next key; `None` if there was none for so long.
        pub(in super::super) fn key(&mut self, patience: Duration) -> io::Result<Option<Key>> {
            loop {
                if let Decoded::Key(key, length) = decode(&self.bytes) {
                    self.bytes.drain(..length);
                    return Ok(Some(key));
                }
                let begun = !self.bytes.is_empty();
                if !ready(if begun { REST } else { patience })? {
                    if !begun {
                        return Ok(None);
                    }
                    let lone = self.bytes == [0x1b];
                    self.bytes.clear();
                    return Ok(Some(if lone { Key::Escape } else { Key::Unknown }));
                }
                let mut buffer = [0; 256];
                let read = rustix::io::read(stdin(), &mut buffer)?;
                if read == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.bytes.extend(buffer.iter().take(read));
            }
        }
    }

    impl Drop for Raw {
        fn drop(&mut self) {
            // A terminal that is gone needs no putting back.
            let _ = tcsetattr(stdin(), OptionalActions::Now, &self.original);
        }
    }

    /// Whether a byte comes in time. A signal ends the wait, for the caller to look.
    fn ready(patience: Duration) -> io::Result<bool> {
        let stdin = stdin();
        let mut wanted = [PollFd::new(&stdin, PollFlags::IN)];
        let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
        match poll(&mut wanted, Some(&patience)) {
            Ok(count) => Ok(count > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use std::io;
    use std::time::Duration;

    use console::{Key, Term};

    /// A terminal that is asked for keys one by one.
    pub(in super::super) struct Raw(Term);

    impl Raw {
        /// Takes the terminal.
        pub(in super::super) fn enter() -> io::Result<Self> {
            Ok(Self(Term::stdout()))
        }

        /// The terminal keeps nothing that could be forgotten.
        pub(in super::super) fn forget(&mut self) -> io::Result<()> {
            Ok(())
        }

        /// The next key, however long it takes.
        pub(in super::super) fn key(&mut self, _patience: Duration) -> io::Result<Option<Key>> {
            self.0.read_key().map(Some)
        }
    }
}
