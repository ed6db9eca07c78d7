//! The agents: one HTTP server for all of them, which writes ledger A.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::chance::Chance;
use crate::conduct::{Call, Conduct};
use crate::ledger::{Ledger, Watch};
use crate::message::{Inbox, Line, Message, request};
use crate::record::{End, Executed, Hash, Start};
use crate::serve::{listen, reply, take_time};

/// The agents' server; dropping it ends it. Agent `x` stands at the path `/x`.
#[derive(Debug)]
pub(crate) struct Agents {
    pub(crate) address: SocketAddr,
    _serving: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    ledger: Ledger,
    watch: Watch,
    conduct: Conduct,
    /// Where the files of an assignment are, where its address is only a path.
    hub: SocketAddr,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    chance: Chance,
    executions: u64,
    by_run: HashMap<Uuid, u32>,
}

/// The fields of an assignment that an agent looks at.
#[derive(Debug, Deserialize)]
struct Assignment<'a> {
    run_id: Uuid,
    attempt: u32,
    event: EventOf,
    session: Option<String>,
    #[serde(borrow)]
    input: &'a RawValue,
    files: Vec<FileOf>,
}

#[derive(Debug, Deserialize)]
struct EventOf {
    id: Uuid,
}

#[derive(Debug, Deserialize)]
struct FileOf {
    url: String,
}

#[derive(Debug, Deserialize)]
struct InputOf<'a> {
    key: &'a str,
}

impl Agents {
    pub(crate) async fn start(
        ledger: Ledger,
        watch: Watch,
        (conduct, chance): (Conduct, Chance),
        hub: SocketAddr,
    ) -> Result<Self> {
        let state = State {
            chance,
            executions: 0,
            by_run: HashMap::new(),
        };
        let shared = Arc::new(Shared {
            ledger,
            watch,
            conduct,
            hub,
            state: Mutex::new(state),
        });
        let serve = move |stream| {
            let shared = Arc::clone(&shared);
            async move {
                // A connection that breaks is the hub's end of it: the ledger has what was done.
                let _broken = serve(&shared, stream).await;
            }
        };
        let (address, serving) = listen(serve).await?;
        Ok(Self {
            address,
            _serving: serving,
        })
    }
}

async fn serve(shared: &Shared, mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut inbox = Inbox::default();
    while let Some(message) = inbox.next(&mut stream).await? {
        let agent = message.path().trim_start_matches('/').to_owned();
        let assignment: Assignment<'_> = serde_json::from_slice(&message.body)?;
        let files = files(shared, &assignment.files).await?;
        let session = assignment.session.as_deref().unwrap_or_default();
        let (number, call) = shared.number(&agent, session, assignment.run_id);
        let start = start(shared, number, agent.clone(), (&assignment, files));
        shared.ledger.write(&[Executed::Start(start)]).await?;
        let did = take_time(&stream, shared.conduct.decide(call)).await;
        let end = End {
            at: shared.watch.micros(),
            number,
            did,
        };
        shared.ledger.write(&[Executed::End(end)]).await?;
        let output = format!("{{\"output\":{}}}", assignment.input.get());
        if !reply(&mut stream, did, output.as_bytes()).await? {
            break;
        }
    }
    Ok(())
}

fn start(
    shared: &Shared,
    number: u64,
    agent: String,
    (assignment, files): (&Assignment<'_>, Vec<Hash>),
) -> Start {
    let input = assignment.input.get();
    let key = serde_json::from_str::<InputOf<'_>>(input).ok();
    Start {
        at: shared.watch.micros(),
        number,
        agent,
        run: assignment.run_id,
        attempt: assignment.attempt,
        event: assignment.event.id,
        session: assignment.session.clone().unwrap_or_default(),
        key: key
            .and_then(|input| input.key.parse().ok())
            .unwrap_or(u64::MAX),
        input: Hash::of(input.as_bytes()),
        files,
    }
}

/// Fetches the files, as an agent has to, and gives their hashes.
async fn files(shared: &Shared, files: &[FileOf]) -> Result<Vec<Hash>> {
    let mut hashes = Vec::with_capacity(files.len());
    for file in files {
        let path = file.url.split_once("//").map_or(file.url.as_str(), |url| {
            url.1
                .find('/')
                .and_then(|at| url.1.get(at..))
                .unwrap_or("/")
        });
        let get = request(&format!("GET {path}"), &[], b"");
        let answer: Message = Line::new(shared.hub).call(&get).await?;
        let status = answer.status()?;
        ensure!(status == 200, "a file's address answers {status}");
        hashes.push(Hash::of(&answer.body));
    }
    Ok(hashes)
}

impl Shared {
    fn number<'a>(&self, name: &'a str, session: &'a str, run: Uuid) -> (u64, Call<'a>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.executions += 1;
        let seen = state.by_run.entry(run).or_default();
        let before = *seen;
        *seen += 1;
        let call = Call {
            name,
            session,
            before,
            drawn: state.chance.draw(),
        };
        (state.executions, call)
    }
}
