//! The real keyboard while a command runs: lines, hidden lines or keys, as the command wants them.

use std::time::Duration;

use crate::host::console::Typing;

/// What was pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pressed {
    /// Text for the command.
    Text(String),
    /// `^C`.
    Interrupt,
    /// `^Z`.
    Suspend,
    /// `^\`: do not wait any longer.
    Skip,
    /// `^D`, or the keyboard is gone.
    End,
}

/// Takes octets apart into what they mean.
#[cfg(any(unix, test))]
fn meaning(octets: &[u8], typing: Typing) -> Vec<Pressed> {
    if octets.is_empty() {
        return vec![Pressed::End];
    }
    let mut found = Vec::new();
    let mut text = Vec::new();
    let flush = |text: &mut Vec<u8>, found: &mut Vec<Pressed>| {
        if !text.is_empty() {
            found.push(Pressed::Text(String::from_utf8_lossy(text).into_owned()));
            text.clear();
        }
    };
    for octet in octets {
        let special = match octet {
            0x03 => Pressed::Interrupt,
            0x04 => Pressed::End,
            0x1a => Pressed::Suspend,
            0x1c => Pressed::Skip,
            b'\r' if typing == Typing::Keys => {
                text.push(b'\n');
                continue;
            }
            octet => {
                text.push(*octet);
                continue;
            }
        };
        flush(&mut text, &mut found);
        found.push(special);
    }
    flush(&mut text, &mut found);
    found
}

#[cfg(unix)]
pub use unix::Keyboard;

#[cfg(not(unix))]
pub use elsewhere::Keyboard;

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::fd::AsFd as _;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices as Index, Termios, tcgetattr, tcsetattr};

    use super::{Duration, Pressed, Typing, meaning};

    /// The terminal's settings, which are put back when this goes away.
    pub struct Keyboard {
        before: Option<Termios>,
        typing: Typing,
    }

    impl Keyboard {
        /// Sets the terminal up for a way of typing. Signals come as characters, so that `^C` ends
        /// the command and not mxlab.
        pub fn new(typing: Typing) -> Keyboard {
            let stdin = io::stdin();
            let before = tcgetattr(&stdin).ok();
            if let Some(before) = &before {
                let mut now = before.clone();
                now.local_flags.remove(LocalFlags::ISIG);
                // A line ends with these characters, too (the second one needs IEXTEN).
                now.local_flags.insert(LocalFlags::IEXTEN);
                now.control_chars[Index::VEOL as usize] = 0x03;
                now.control_chars[Index::VEOL2 as usize] = 0x1c;
                match typing {
                    Typing::Lines => now.local_flags.insert(LocalFlags::ICANON | LocalFlags::ECHO),
                    Typing::Hidden => {
                        now.local_flags.insert(LocalFlags::ICANON);
                        now.local_flags.remove(LocalFlags::ECHO);
                    }
                    Typing::Keys => {
                        now.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
                        now.control_chars[Index::VMIN as usize] = 1;
                        now.control_chars[Index::VTIME as usize] = 0;
                    }
                }
                let _ = tcsetattr(&stdin, SetArg::TCSANOW, &now);
            }
            Keyboard { before, typing }
        }

        /// Waits for keys, at most so long. Whether the command wants any makes no difference here.
        pub fn wait(&self, most: Duration, _wanted: bool) -> Vec<Pressed> {
            let stdin = io::stdin();
            let mut fds = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
            let millis = u16::try_from(most.as_millis()).unwrap_or(u16::MAX);
            match poll(&mut fds, PollTimeout::from(millis)) {
                Ok(0) | Err(_) => return Vec::new(),
                Ok(_) => {}
            }
            let mut buffer = [0; 4096];
            // Not through std's buffer, which poll knows nothing of.
            match nix::unistd::read(stdin.as_fd(), &mut buffer) {
                Ok(count) => meaning(&buffer[..count], self.typing),
                Err(nix::Error::EINTR | nix::Error::EAGAIN) => Vec::new(),
                Err(_) => vec![Pressed::End],
            }
        }
    }

    impl Drop for Keyboard {
        fn drop(&mut self) {
            if let Some(before) = &self.before {
                let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, before);
            }
        }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use super::{Duration, Pressed, Typing};

    /// Where keys cannot be waited for: lines are read when somebody wants them.
    pub struct Keyboard;

    impl Keyboard {
        /// There is nothing to set up.
        pub fn new(_: Typing) -> Keyboard {
            Keyboard
        }

        /// Reads a line if the command wants one, else lets time pass.
        pub fn wait(&self, most: Duration, wanted: bool) -> Vec<Pressed> {
            if !wanted {
                std::thread::sleep(most);
                return Vec::new();
            }
            let mut line = String::new();
            match std::io::stdin().read_line(&mut line) {
                Ok(count) if count > 0 => vec![Pressed::Text(line)],
                _ => vec![Pressed::End],
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_apart_from_text() {
        let text = |text: &str| Pressed::Text(text.into());
        assert_eq!(meaning(b"", Typing::Lines), [Pressed::End]);
        assert_eq!(meaning(b"QUIT\n", Typing::Lines), [text("QUIT\n")]);
        assert_eq!(meaning(b"ab\x03c\x1c", Typing::Lines), [text("ab"), Pressed::Interrupt, text("c"), Pressed::Skip]);
        assert_eq!(meaning(b"\x1a", Typing::Lines), [Pressed::Suspend]);
        assert_eq!(meaning(b"q\r", Typing::Keys), [text("q\n")]);
    }
}
