//! Changes the inputs of one target for some time, and reads them.
//!
//! ```text
//! keel-fuzz TARGET [--seconds N] [--executions N] [--seed N] [--input FILE] [--keep FILE]
//! ```

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use keel_fuzz::{Change as _, INPUT_BYTES_MAX, Random, Target};

/// No input takes longer, on a machine that does other things too.
const INPUT_TIME_MAX: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let run = match Run::of_arguments(std::env::args().skip(1)) {
        Ok(run) => run,
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::from(2);
        }
    };
    keel_fuzz::limit_memory();
    println!("{}", run.run());
    ExitCode::SUCCESS
}

/// What to do.
struct Run {
    target: Target,
    time: Duration,
    executions: u64,
    seed: u64,
    /// The only inputs, unchanged.
    inputs: Vec<Vec<u8>>,
    kept: Option<File>,
}

impl Run {
    fn of_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let names: Vec<_> = Target::ALL.iter().map(|target| target.name).collect();
        let name = arguments.next().unwrap_or_default();
        let unknown = || format!("`{name}` is no target; these are: {}", names.join(", "));
        let target = Target::named(&name).ok_or_else(unknown)?;
        let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let seed = seed.as_nanos() as u64;
        let mut run =
            Self { target, time: Duration::MAX, executions: u64::MAX, seed, inputs: Vec::new(), kept: None };
        while let Some(option) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("`{option}` needs a value"))?;
            let number =
                || value.parse::<u64>().map_err(|_| format!("`{option}` needs a number, not `{value}`"));
            let failed = |error: std::io::Error| format!("{value}: {error}");
            match option.as_str() {
                "--seconds" => run.time = Duration::from_secs(number()?),
                "--executions" => run.executions = number()?,
                "--seed" => run.seed = number()?,
                "--input" => run.inputs.push(std::fs::read(&value).map_err(failed)?),
                "--keep" => run.kept = Some(File::create(PathBuf::from(&value)).map_err(failed)?),
                _ => return Err(format!("there is no option `{option}`; see the head of this file")),
            }
        }
        Ok(run)
    }

    fn run(mut self) -> String {
        let watched = Watched::start();
        let begin = Instant::now();
        let inputs = std::mem::take(&mut self.inputs);
        let (mut executions, mut accepted) = (0_u64, 0_u64);
        let mut read = |run: &mut Self, input: &[u8]| {
            run.keep(input);
            watched.begin();
            accepted += u64::from((run.target.read)(input));
            watched.end();
            executions += 1;
        };
        if inputs.is_empty() {
            let seeds = self.target.seeds();
            seeds.iter().for_each(|input| read(&mut self, input));
            let mut number = 0;
            while number < self.executions && begin.elapsed() < self.time {
                let input = self.changed(&seeds, number);
                read(&mut self, &input);
                number += 1;
            }
        } else {
            inputs.iter().for_each(|input| read(&mut self, input));
        }
        format!(
            "{}: {executions} executions, {accepted} accepted, in {:.1} s, with --seed {}",
            self.target.name,
            begin.elapsed().as_secs_f32(),
            self.seed,
        )
    }

    /// The input of this number: the same for each seed, however many were before it.
    fn changed(&self, seeds: &[Vec<u8>], number: u64) -> Vec<u8> {
        let mut random = Random::new(self.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut input = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(3) {
            (self.target.change)(&mut input, &mut random);
        }
        input.truncate(INPUT_BYTES_MAX);
        input
    }

    /// Writes down what is about to be read, for whoever finds this process dead.
    fn keep(&mut self, input: &[u8]) {
        let Some(file) = &mut self.kept else { return };
        let written = file.rewind().and_then(|()| file.set_len(0)).and_then(|()| file.write_all(input));
        written.expect("the input can be kept");
    }
}

/// Ends the process when an input takes too long.
struct Watched {
    clock: Instant,
    /// When the input was begun, in milliseconds; `u64::MAX` between two of them.
    begun_ms: Arc<AtomicU64>,
}

impl Watched {
    fn start() -> Self {
        let watched = Self { clock: Instant::now(), begun_ms: Arc::new(AtomicU64::new(u64::MAX)) };
        let (clock, begun_ms) = (watched.clock, Arc::clone(&watched.begun_ms));
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(INPUT_TIME_MAX / 10);
                let begun = begun_ms.load(Ordering::Relaxed);
                if clock.elapsed().as_millis() as u64
                    > begun.saturating_add(INPUT_TIME_MAX.as_millis() as u64)
                {
                    eprintln!("an input takes longer than {INPUT_TIME_MAX:?}");
                    std::process::abort();
                }
            }
        });
        watched
    }

    fn begin(&self) {
        self.begun_ms.store(self.clock.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    fn end(&self) {
        self.begun_ms.store(u64::MAX, Ordering::Relaxed);
    }
}
