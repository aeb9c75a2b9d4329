//! A terminal for tests of the review: a pseudo-terminal, what is typed and what is shown.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::{Termios, Winsize};

use crate::run::program;

const PATIENCE: Duration = Duration::from_mins(2);

/// What was shown: every byte, and the screen that they make.
struct Shown {
    bytes: Vec<u8>,
    screen: vt100::Parser,
}

/// A run of wa-fix with a terminal.
pub struct Terminal {
    child: Child,
    keyboard: File,
    shown: Arc<Mutex<Shown>>,
    /// How the terminal was before the run.
    before: Termios,
    /// Reads until nobody writes any more.
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts wa-fix in a folder.
    pub fn start<A: AsRef<OsStr>>(dir: &Path, home: &Path, arguments: &[A]) -> Self {
        let mut command = program(dir, home);
        command.args(arguments);
        Self::of(command)
    }

    /// Starts a command with a terminal of 40 lines and 100 columns.
    pub fn of(command: Command) -> Self {
        Self::sized(command, 40, 100)
    }

    /// Starts a command with a terminal of some size, as the leader of a session of its own.
    pub fn sized(mut command: Command, rows: u16, columns: u16) -> Self {
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&master).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        rustix::termios::tcsetwinsize(&master, size(rows, columns)).unwrap();
        let name = rustix::pty::ptsname(&master, Vec::new()).unwrap();
        let open = || {
            let flags = OFlags::RDWR | OFlags::NOCTTY;
            Stdio::from(rustix::fs::open(name.as_c_str(), flags, Mode::empty()).unwrap())
        };
        if command.get_envs().all(|(name, _)| name != "TERM") {
            command.env("TERM", "xterm");
        }
        command.stdin(open()).stdout(open()).stderr(open());
        let before = rustix::termios::tcgetattr(&master).unwrap();
        let child = command.spawn().unwrap();
        // The command holds the terminal's other side open until it is dropped.
        drop(command);
        let mut output = File::from(master.try_clone().unwrap());
        let screen = vt100::Parser::new(whole(rows), whole(columns), 0);
        let shown = Arc::new(Mutex::new(Shown { bytes: Vec::new(), screen }));
        let more = Arc::clone(&shown);
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                let mut shown = more.lock().unwrap();
                shown.bytes.extend_from_slice(&bytes[..read]);
                shown.screen.process(&bytes[..read]);
            }
        });
        Self { child, keyboard: File::from(master), shown, before, reader: Some(reader) }
    }

    /// The process.
    pub fn id(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, rows: u16, columns: u16) -> &mut Self {
        self.shown.lock().unwrap().screen.screen_mut().set_size(whole(rows), whole(columns));
        rustix::termios::tcsetwinsize(&self.keyboard, size(rows, columns)).unwrap();
        self
    }

    /// Everything shown so far, without colours.
    pub fn shown(&self) -> String {
        let bytes = self.shown.lock().unwrap().bytes.clone();
        console::strip_ansi_codes(&String::from_utf8_lossy(&bytes)).replace('\r', "")
    }

    /// Every byte shown so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.shown.lock().unwrap().bytes.clone()
    }

    /// The screen as it is now, lines that were broken at its edge in pieces.
    pub fn screen(&self) -> String {
        let shown = self.shown.lock().unwrap();
        let rows: Vec<String> = shown.screen.screen().rows(0, u16::MAX).collect();
        rows.iter().map(|row| row.trim_end()).collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }

    /// Waits until words stand on the screen, however they are broken into lines.
    #[track_caller]
    pub fn sees(&mut self, words: &str) -> &mut Self {
        let wanted = one_line(words);
        self.wait_until(words, |screen| one_line(screen).contains(&wanted))
    }

    /// Waits until words no longer stand on the screen.
    #[track_caller]
    pub fn sees_no_more(&mut self, words: &str) -> &mut Self {
        let wanted = one_line(words);
        self.wait_until(words, |screen| !one_line(screen).contains(&wanted))
    }

    /// Types a key and waits until what it does is drawn: every key draws.
    #[track_caller]
    pub fn key(&mut self, key: &str) -> &mut Self {
        let before = self.bytes().len();
        self.keys(key);
        let start = Instant::now();
        while self.bytes().len() == before {
            assert!(start.elapsed() < PATIENCE, "{key:?} draws nothing:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(5));
        }
        self.settled()
    }

    /// Waits until nothing more is drawn.
    pub fn settled(&mut self) -> &mut Self {
        let mut count = 0;
        loop {
            std::thread::sleep(Duration::from_millis(100));
            let now = self.bytes().len();
            if std::mem::replace(&mut count, now) == now && !self.screen().contains("Planning …") {
                return self;
            }
        }
    }

    #[track_caller]
    fn wait_until(&mut self, words: &str, holds: impl Fn(&str) -> bool) -> &mut Self {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if holds(&screen) {
                return self;
            }
            if start.elapsed() > PATIENCE {
                let _ = self.child.kill();
                panic!("waited for `{words}` in vain:\n{screen}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Types keys.
    pub fn keys(&mut self, keys: &str) -> &mut Self {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self
    }

    /// Types a line, once the program asks for one: what comes before it has taken the terminal would be lost.
    pub fn line(&mut self, line: &str) -> &mut Self {
        std::thread::sleep(Duration::from_millis(50));
        self.keys(line).keys("\r")
    }

    /// Waits for the end; the exit code and everything shown. The terminal is as it was before the run.
    #[track_caller]
    pub fn end(mut self) -> (Option<i32>, String) {
        let code = self.wait();
        let shown = self.shown();
        assert!(!shown.contains("panicked"), "{shown}");
        let now = rustix::termios::tcgetattr(&self.keyboard).unwrap();
        assert_eq!(format!("{now:?}"), format!("{:?}", self.before), "the terminal is not as it was");
        let state = self.shown.lock().unwrap();
        assert!(!state.screen.screen().alternate_screen() && !state.screen.screen().hide_cursor(), "{shown}");
        drop(state);
        (code, shown)
    }

    /// Waits for the end; the exit code and what stands on the screen then.
    #[track_caller]
    pub fn last_screen(mut self) -> (Option<i32>, String) {
        let code = self.wait();
        let screen = self.screen();
        self.end();
        (code, screen)
    }

    /// As [`Terminal::end`], with colours and all.
    #[track_caller]
    pub fn raw_end(mut self) -> (Option<i32>, Vec<u8>) {
        let code = self.wait();
        (code, self.bytes())
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
                panic!("the review does not end:\n{}", self.screen());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        // What was written last may still be on its way to the screen.
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status.code()
    }
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

fn whole(number: u16) -> std::num::NonZeroU16 {
    std::num::NonZeroU16::new(number).unwrap()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
