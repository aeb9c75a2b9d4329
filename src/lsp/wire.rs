//! Messages over two streams: JSON behind a header with its length.
//!
//! Written here rather than taken from `lsp-server`: there a message that is no JSON ends the conversation, and its queues
//! hold nothing, so that a server cannot see that more keystrokes have come.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use serde_json::Value;

/// What came from the editor.
pub(super) enum Incoming {
    /// A message.
    Message(Value),
    /// What is none, with the reason.
    Malformed(String),
}

/// The two ends of a conversation. Reading and writing have a thread each: neither side waits for the other to listen.
pub(super) struct Wire {
    /// What the editor says; closed when the editor has gone.
    pub(super) incoming: Receiver<Incoming>,
    outgoing: Sender<Value>,
    writer: JoinHandle<()>,
}

impl Wire {
    pub(super) fn open(input: impl Read + Send + 'static, output: impl Write + Send + 'static) -> Self {
        let (heard, incoming) = channel();
        let (outgoing, said) = channel::<Value>();
        // Not joined: it waits for an editor that need not say anything any more.
        std::thread::spawn(move || {
            let mut input = BufReader::new(input);
            while let Ok(Some(message)) = read(&mut input) {
                if heard.send(message).is_err() {
                    break;
                }
            }
        });
        let writer = std::thread::spawn(move || {
            let mut output = output;
            // An editor that has gone is noticed by its silence.
            while let Ok(message) = said.recv() {
                if write(&mut output, &message).is_err() {
                    break;
                }
            }
        });
        Self { incoming, outgoing, writer }
    }

    pub(super) fn send(&self, message: Value) {
        // The writer stops only when the editor has gone, which the reader tells.
        let _ = self.outgoing.send(message);
    }

    /// Waits until all is said.
    pub(super) fn close(self) {
        drop(self.outgoing);
        let _ = self.writer.join();
    }
}

/// The next message; `None` at the end of the stream.
fn read(input: &mut impl BufRead) -> io::Result<Option<Incoming>> {
    let mut length = None;
    loop {
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse::<u64>().ok();
            }
            None if line.is_empty() && length.is_some() => break,
            // Other headers, and what lies between messages.
            _ => {}
        }
    }
    let Some(length) = length else { return Ok(None) };
    let mut body = Vec::new();
    input.take(length).read_to_end(&mut body)?;
    Ok(Some(match serde_json::from_slice(&body) {
        Ok(message @ Value::Object(_)) => Incoming::Message(message),
        Ok(_) => Incoming::Malformed("a message is a JSON object".to_owned()),
        Err(error) => Incoming::Malformed(format!("the message is no JSON: {error}")),
    }))
}

fn write(output: &mut impl Write, message: &Value) -> io::Result<()> {
    let body = message.to_string();
    write!(output, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_passed_over() {
        let stream = "noise\r\n\r\nContent-Length: 4\r\n\r\n{\"a}content-length:2\nContent-Type: x\n\n{}\
                      Content-Length: many\r\nContent-Length: 9\r\n\r\n{";
        let mut input = stream.as_bytes();
        assert!(matches!(read(&mut input).unwrap(), Some(Incoming::Malformed(_))));
        assert!(matches!(read(&mut input).unwrap(), Some(Incoming::Message(_))));
        assert!(
            matches!(read(&mut input).unwrap(), Some(Incoming::Malformed(_))),
            "the stream ends within it"
        );
        assert!(read(&mut input).unwrap().is_none());
    }

    #[test]
    fn what_is_written_is_read() {
        let message = serde_json::json!({ "text": "😀\r\n" });
        let mut stream = Vec::new();
        write(&mut stream, &message).unwrap();
        assert!(matches!(read(&mut &*stream).unwrap(), Some(Incoming::Message(read)) if read == message));
    }
}
