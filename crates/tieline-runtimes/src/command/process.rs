//! Runs one program in a process group of its own, from its start until nothing of it is left.
//!
//! The group is killed while its leader is still waited for, even as a zombie: so long the kernel
//! gives the group's id to nobody else, and the signal cannot hit a stranger.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use bytes::Bytes;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use super::output::{Output, Tail, TooLarge};

/// How long others of the group may hold standard output open after the program has ended.
const LINGER: Duration = Duration::from_secs(1);

/// How a program ended.
#[derive(Debug)]
pub(super) enum Ended {
    Exited(ExitStatus),
    /// It was killed, because it wrote too much.
    TooLarge,
}

/// Runs `command` with `input` on its standard input. Dropping the future kills the whole group.
pub(super) async fn run(
    mut command: Command,
    input: Bytes,
    output: &mut Output<'_>,
    tail: &mut Tail,
) -> io::Result<Ended> {
    // Listening begins before there is a child, so that no end is missed.
    let mut children = signal(SignalKind::child())?;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(io::Error::other("a pipe of the program is missing"));
    };
    let group = Group::of(child)?;
    let read = {
        // Too much ends the reading at once, whatever standard error still says.
        let errors = async {
            tail.read(stderr).await;
            Ok(())
        };
        let reading = async { tokio::try_join!(output.read(stdout), errors).map(|_| ()) };
        let ended = async {
            while !group.has_ended()? {
                children.recv().await;
            }
            Ok(())
        };
        drive(reading, feed(stdin, input), ended).await?
    };
    let status = group.end().await?;
    Ok(match read {
        Ok(()) => Ended::Exited(status),
        Err(TooLarge) => Ended::TooLarge,
    })
}

/// Writes and reads at once until the program has ended, and a little longer.
async fn drive(
    reading: impl Future<Output = Result<(), TooLarge>>,
    feeding: impl Future<Output = ()>,
    ended: impl Future<Output = io::Result<()>>,
) -> io::Result<Result<(), TooLarge>> {
    tokio::pin!(reading, feeding, ended);
    let (mut read, mut fed) = (false, false);
    loop {
        tokio::select! {
            result = &mut reading, if !read => match result {
                Ok(()) => read = true,
                Err(TooLarge) => return Ok(Err(TooLarge)),
            },
            () = &mut feeding, if !fed => fed = true,
            result = &mut ended => {
                result?;
                break;
            }
        }
    }
    if read {
        return Ok(Ok(()));
    }
    // What is still in the pipes is read at once. Who holds them open longer is not waited for.
    Ok(timeout(LINGER, reading).await.unwrap_or(Ok(())))
}

/// Writes all of the input. A program that does not read it to its end is free not to.
async fn feed(mut stdin: ChildStdin, input: Bytes) {
    if stdin.write_all(&input).await.is_ok() {
        // Nothing is buffered that could be lost here; dropping it closes the pipe.
        stdin.shutdown().await.ok();
    }
}

/// A program that has not been reaped, and the process group that it leads.
///
/// Dropped, it kills the group; tokio then reaps the program in the background.
struct Group {
    id: Pid,
    child: Child,
    /// From then on the id may be somebody else's.
    reaped: bool,
}

impl Group {
    fn of(child: Child) -> io::Result<Self> {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let id = id.and_then(Pid::from_raw);
        let id = id.ok_or_else(|| io::Error::other("the program has no process id"))?;
        Ok(Self {
            id,
            child,
            reaped: false,
        })
    }

    /// Whether the program has ended. Does not reap it.
    fn has_ended(&self) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(self.id), options)?.is_some())
    }

    /// Kills what is left of the group, and reaps the program.
    async fn end(mut self) -> io::Result<ExitStatus> {
        self.kill();
        let status = self.child.wait().await;
        self.reaped = true;
        status
    }

    fn kill(&self) {
        // Fails only where nobody is left.
        kill_process_group(self.id, Signal::KILL).ok();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill();
        }
    }
}
