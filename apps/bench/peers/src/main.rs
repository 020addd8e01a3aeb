//! The engines that Keel is measured against, and plain arrays as the floor: `keel bench ecs` starts this program and
//! talks to it as `protocol.rs` says. Each engine is behind a feature of its name.

#[allow(dead_code, reason = "what is used depends on the engines that are built")]
mod data;
mod engines;
mod memory;
mod protocol;
#[allow(dead_code, reason = "what is used depends on the engines that are built")]
mod routine;
#[path = "../../suite/types/src/task.rs"]
#[allow(dead_code, reason = "what is used depends on the engines that are built")]
mod task;

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use protocol::{Absent, Answer, Request};
use routine::{Entry, Routine};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    memory::keep_freed();
    let (entries, absent): (Vec<_>, Vec<_>) =
        engines::all().into_iter().map(|cases| cases.into_parts()).unzip();
    let (entries, absent) = (entries.into_iter().flatten(), absent.into_iter().flatten());
    let mut server =
        Server { entries: entries.collect(), absent: absent.collect(), prepared: BTreeMap::new() };
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = server.answer(serde_json::from_str(&line?)?);
        serde_json::to_writer(&mut out, &answer)?;
        writeln!(out)?;
        out.flush()?;
    }
    Ok(())
}

struct Server {
    entries: Vec<Entry>,
    absent: Vec<Absent>,
    prepared: BTreeMap<usize, Box<dyn Routine>>,
}

impl Server {
    /// An engine that panics has failed; the others go on.
    fn answer(&mut self, request: Request) -> Answer {
        match catch_unwind(AssertUnwindSafe(|| self.try_answer(request))) {
            Ok(Some(answer)) => answer,
            Ok(None) => Answer::Failed { why: "the case is not there, or was not prepared".to_owned() },
            Err(panic) => Answer::Failed { why: text_of(&*panic) },
        }
    }

    fn try_answer(&mut self, request: Request) -> Option<Answer> {
        Some(match request {
            Request::List => Answer::Cases {
                cases: self.entries.iter().map(|entry| entry.case.clone()).collect(),
                absent: self.absent.clone(),
            },
            Request::Prepare { id } => {
                let entry = self.entries.get(id)?;
                let before = memory::bytes_in_use();
                self.prepared.insert(id, (entry.make)());
                let bytes =
                    before.zip(memory::bytes_in_use()).map(|(before, now)| now.saturating_sub(before));
                Answer::Prepared { bytes }
            }
            Request::Run { id, iterations } => {
                let routine = self.prepared.get_mut(&id)?;
                let begin = Instant::now();
                routine.run(iterations);
                Answer::Ran { ns: begin.elapsed().as_nanos() as u64 }
            }
            Request::Checksum { id } => Answer::Checksum { value: self.prepared.get_mut(&id)?.checksum() },
            Request::Release { id } => {
                self.prepared.remove(&id)?;
                Answer::Released
            }
        })
    }
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it has panicked").to_owned()
}
