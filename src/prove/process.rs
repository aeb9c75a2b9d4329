//! One process of a check: bounded in time and output, and gone with its children when it ends.

use std::collections::VecDeque;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Of what a process prints, the first and the last so many bytes are kept; the rest is read and dropped.
const KEPT: usize = 32 * 1024;
/// How often a process is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// How long the pipes may stay open after the process and its children are gone.
const GRACE: Duration = Duration::from_secs(1);

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// With success.
    Passed,
    /// With an exit code, or by a signal.
    Failed(Option<i32>),
    /// It was at work for longer than it may.
    TimedOut,
    /// The person wants to stop.
    Interrupted,
}

/// How a process ended, and what it printed.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) end: End,
    pub(super) output: String,
}

/// Runs a command to its end, or until it is to stop. Its children go with it.
pub(super) fn run(
    command: &mut Command,
    timeout: Duration,
    stop: &dyn Fn() -> bool,
) -> std::io::Result<Ended> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        // A group of its own: Ctrl-C reaches us, and we end the whole group.
        command.process_group(0);
    }
    let mut child = command.spawn()?;
    let kept = Arc::new(Mutex::new(Kept::default()));
    let readers: Vec<_> = [
        child.stdout.take().map(|stream| drain(stream, &kept)),
        child.stderr.take().map(|stream| drain(stream, &kept)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let end = wait(&mut child, timeout, stop);
    let started = Instant::now();
    while readers.iter().any(|reader| !reader.is_finished()) && started.elapsed() < GRACE {
        std::thread::sleep(LOOK);
    }
    let output = kept.lock().unwrap_or_else(PoisonError::into_inner).text();
    Ok(Ended { end: end?, output })
}

/// Waits for the end, and ends what is left of the group.
fn wait(child: &mut Child, timeout: Duration, stop: &dyn Fn() -> bool) -> std::io::Result<End> {
    let started = Instant::now();
    let stopped = loop {
        if has_ended(child)? {
            break None;
        }
        if stop() {
            break Some(End::Interrupted);
        }
        if started.elapsed() >= timeout {
            break Some(End::TimedOut);
        }
        std::thread::sleep(LOOK);
    };
    // Before the leader is reaped: until then its number cannot be another group's.
    end_group(child);
    let status = child.wait()?;
    Ok(stopped.unwrap_or(if status.success() { End::Passed } else { End::Failed(status.code()) }))
}

#[cfg(unix)]
fn has_ended(child: &Child) -> std::io::Result<bool> {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    match waitid(WaitId::Pid(rustix::process::Pid::from_child(child)), options) {
        Ok(status) => Ok(status.is_some()),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(unix)]
fn end_group(child: &mut Child) {
    // Nobody left is no failure.
    let leader = rustix::process::Pid::from_child(child);
    let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
}

#[cfg(not(unix))]
fn has_ended(child: &mut Child) -> std::io::Result<bool> {
    Ok(child.try_wait()?.is_some())
}

#[cfg(not(unix))]
fn end_group(child: &mut Child) {
    let _ = child.kill();
}

/// The beginning and the end of what is printed.
#[derive(Debug, Default)]
struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    dropped: usize,
}

impl Kept {
    fn add(&mut self, bytes: &[u8]) {
        let room = KEPT.saturating_sub(self.head.len()).min(bytes.len());
        let (head, rest) = bytes.split_at(room);
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let surplus = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..surplus);
        self.dropped += surplus;
    }

    fn text(&self) -> String {
        let mut bytes = self.head.clone();
        if self.dropped > 0 {
            bytes.extend_from_slice(format!("\n[{} bytes left out]\n", self.dropped).as_bytes());
        }
        bytes.extend(&self.tail);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn drain(mut stream: impl Read + Send + 'static, kept: &Arc<Mutex<Kept>>) -> std::thread::JoinHandle<()> {
    let kept = Arc::clone(kept);
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => {
                    let bytes = buffer.get(..length).unwrap_or_default();
                    kept.lock().unwrap_or_else(PoisonError::into_inner).add(bytes);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    })
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn sh(script: &str, timeout: Duration) -> Ended {
        run(Command::new("sh").args(["-c", script]), timeout, &|| false).unwrap()
    }

    #[test]
    fn the_end_and_the_words() {
        let long = Duration::from_secs(20);
        assert_eq!(sh("exit 0", long).end, End::Passed);
        let ended = sh("echo out; echo err >&2; exit 3", long);
        assert_eq!(ended.end, End::Failed(Some(3)));
        assert!(ended.output.contains("out") && ended.output.contains("err"), "{}", ended.output);
    }

    #[test]
    fn what_takes_too_long_goes_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let script = format!("(sleep 2; echo late > {}) & sleep 60", mark.display());
        let started = Instant::now();
        assert_eq!(sh(&script, Duration::from_millis(200)).end, End::TimedOut);
        assert!(started.elapsed() < Duration::from_secs(2));
        std::thread::sleep(Duration::from_millis(2300));
        assert!(!mark.exists());
    }

    #[test]
    fn what_is_left_in_the_background_ends_with_the_check() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let script = format!("(sleep 1; echo late > {}) & exit 0", mark.display());
        assert_eq!(sh(&script, Duration::from_secs(20)).end, End::Passed);
        std::thread::sleep(Duration::from_millis(1300));
        assert!(!mark.exists());
    }

    #[test]
    fn endless_output_is_read_and_dropped() {
        let ended = sh("echo first; yes | head -c 20000000; echo last; exit 1", Duration::from_mins(1));
        assert_eq!(ended.end, End::Failed(Some(1)));
        assert!(ended.output.len() < 3 * KEPT);
        assert!(ended.output.starts_with("first") && ended.output.trim_end().ends_with("last"));
    }

    #[test]
    fn a_person_may_stop_it() {
        let ended = run(Command::new("sleep").arg("60"), Duration::from_mins(1), &|| true).unwrap();
        assert_eq!(ended.end, End::Interrupted);
    }
}
