//! A terminal for tests of the review: a pseudo-terminal, what is typed and what is shown.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use crate::run::program;

const PATIENCE: Duration = Duration::from_secs(30);

/// A run of wa-fix with a terminal.
pub struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    /// How much of the screen has been waited for.
    seen: usize,
}

impl Terminal {
    /// Starts wa-fix in a folder.
    pub fn start<A: AsRef<OsStr>>(dir: &Path, home: &Path, arguments: &[A]) -> Self {
        let mut command = program(dir, home);
        command.args(arguments);
        Self::of(command)
    }

    /// Starts a command.
    pub fn of(mut command: Command) -> Self {
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&master).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let size = Winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&master, size).unwrap();
        let name = rustix::pty::ptsname(&master, Vec::new()).unwrap();
        let open = || {
            let flags = OFlags::RDWR | OFlags::NOCTTY;
            Stdio::from(rustix::fs::open(name.as_c_str(), flags, Mode::empty()).unwrap())
        };
        command.env("TERM", "xterm").stdin(open()).stdout(open()).stderr(open());
        let child = command.spawn().unwrap();
        // The command holds the terminal's other side open until it is dropped.
        drop(command);
        let mut output = File::from(master.try_clone().unwrap());
        let screen = Arc::new(Mutex::new(Vec::new()));
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().extend_from_slice(&bytes[..read]);
            }
        });
        Self { child, keyboard: File::from(master), screen, seen: 0 }
    }

    /// Everything shown so far, without colours.
    pub fn shown(&self) -> String {
        let bytes = self.screen.lock().unwrap().clone();
        console::strip_ansi_codes(&String::from_utf8_lossy(&bytes)).replace('\r', "")
    }

    /// Waits until words are shown that were not waited for before.
    #[track_caller]
    pub fn wait_for(&mut self, words: &str) -> &mut Self {
        let start = Instant::now();
        loop {
            let shown = self.shown();
            if let Some(at) = shown.get(self.seen..).and_then(|new| new.find(words)) {
                self.seen += at + words.len();
                return self;
            }
            if start.elapsed() > PATIENCE {
                let _ = self.child.kill();
                panic!("`{words}` does not come: {shown}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Types keys.
    pub fn keys(&mut self, keys: &str) -> &mut Self {
        // The program has shown its prompt and is about to read: a key that comes before it has put the
        // terminal into raw mode would wait for the Enter key.
        std::thread::sleep(Duration::from_millis(50));
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self
    }

    /// Waits for the end; the exit code and everything shown.
    #[track_caller]
    pub fn end(mut self) -> (Option<i32>, String) {
        let code = self.wait();
        let shown = self.shown();
        assert!(!shown.contains("panicked"), "{shown}");
        (code, shown)
    }

    /// As [`Terminal::end`], with colours and all.
    #[track_caller]
    pub fn raw_end(mut self) -> (Option<i32>, Vec<u8>) {
        let code = self.wait();
        let shown = self.screen.lock().unwrap().clone();
        (code, shown)
    }

    #[track_caller]
    fn wait(&mut self) -> Option<i32> {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if start.elapsed() > PATIENCE {
                let _ = self.child.kill();
                panic!("the review does not end: {}", self.shown());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        // What was written last may still be on its way to the screen.
        std::thread::sleep(Duration::from_millis(20));
        status.code()
    }
}
