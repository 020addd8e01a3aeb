//! What is told of a game's past: recordings that were run again, and the way back.

use serde::{Deserialize, Serialize};

use crate::commands::snapshot::Difference;

/// What came of a recording that was run again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReplayedLine {
    /// How many frames were run.
    pub(crate) frames: u64,
    /// The last of them, as the game counts them.
    pub(crate) frame: u64,
    /// Frames a second.
    pub(crate) fps: f64,
    /// How many bytes at the end of the file could not be used.
    pub(crate) torn_bytes: usize,
    /// How often the hashes were compared.
    pub(crate) hashes: u64,
    pub(crate) entities: usize,
    pub(crate) world_hash: String,
    /// Modules that were built anew since.
    pub(crate) changed: Vec<String>,
    /// Modules that are not there any more.
    pub(crate) missing: Vec<String>,
    /// Modules that were not there then, and are left out.
    pub(crate) left_out: Vec<String>,
    /// Where something else came of it, if it did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) divergence: Option<DivergenceLine>,
    /// Both outcomes, if the recording has its own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) outcome: Option<OutcomeLine>,
}

/// Where a replay parts from what was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DivergenceLine {
    /// The first frame after which something differs.
    pub(crate) frame: u64,
    /// The first call that differs, as `module/system`; null where none can be named.
    pub(crate) system: Option<String>,
    /// What differs, as `World::hash_parts` names it.
    pub(crate) components: Vec<String>,
    /// Whether two runs of the code as it is agree; null where that could not be found out.
    pub(crate) repeats: Option<bool>,
    pub(crate) message: String,
}

/// The recorded outcome, and what differs from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OutcomeLine {
    pub(crate) entities_before: usize,
    pub(crate) world_hash_before: String,
    /// How many values differ, by what they are one of.
    pub(crate) differ: Vec<CountLine>,
    /// The first few of them.
    pub(crate) first: Vec<Difference>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CountLine {
    pub(crate) what: String,
    pub(crate) values: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RewoundLine {
    /// The frame that it came from.
    pub(crate) from: u64,
    /// The frame that it goes on from.
    pub(crate) frame: u64,
    /// How much simulated time lies between them.
    pub(crate) back_ms: f64,
    /// Whether it was asked to go back further, which it does not remember.
    pub(crate) is_all: bool,
    /// How many frames were run again from the snapshot before.
    pub(crate) replayed: u64,
    /// How long the game stood still for it.
    pub(crate) pause_ms: f64,
}

impl ReplayedLine {
    pub(crate) fn text(&self) -> String {
        let Self { frames, frame, fps, torn_bytes, hashes, entities, world_hash, .. } = self;
        let now = format!("{entities} entities, hash {world_hash}");
        let mut text = format!("{frames} frames again, {fps:.0} a second, to frame {frame}: ");
        match &self.divergence {
            Some(divergence) => text.push_str(&divergence.text()),
            None if *hashes > 0 => text.push_str(&format!("all of {hashes} hashes are equal; {now}")),
            None => text.push_str(&now),
        }
        if let Some(outcome) = &self.outcome {
            text.push_str(&outcome.text());
        }
        for (what, modules) in [
            ("built anew since", &self.changed),
            ("not there any more", &self.missing),
            ("left out, as they were not there", &self.left_out),
        ] {
            if !modules.is_empty() {
                text.push_str(&format!("; {what}: {}", modules.join(", ")));
            }
        }
        if *torn_bytes > 0 {
            text.push_str(&format!("; the recording was cut off, its last {torn_bytes} bytes are of no use"));
        }
        let values = self.outcome.iter().flat_map(|outcome| &outcome.first);
        values.for_each(|value| text.push_str(&in_lines(value)));
        text
    }
}

impl DivergenceLine {
    pub(crate) fn text(&self) -> String {
        let Self { frame, system, components, message, .. } = self;
        let system = system.as_ref().map_or_else(String::new, |system| format!(" in {system}"));
        format!("it differs from frame {frame} on{system}, at {}: {message}", components.join(", "))
    }
}

impl OutcomeLine {
    pub(crate) fn text(&self) -> String {
        let Self { entities_before, world_hash_before, differ, .. } = self;
        let counts: Vec<_> =
            differ.iter().map(|CountLine { what, values }| format!("{values} of {what}")).collect();
        let differ = if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") };
        format!("; it was {entities_before} entities, hash {world_hash_before}; {differ} differ")
    }
}

impl RewoundLine {
    pub(crate) fn text(&self) -> String {
        let Self { from, frame, back_ms, is_all, replayed, pause_ms } = self;
        let all = if *is_all { ", which is all that it remembers" } else { "" };
        format!(
            "went back {:.1} s{all}, from frame {from} to {frame}; {replayed} frames were run again in {pause_ms:.0} ms",
            back_ms / 1e3
        )
    }
}

/// A value before and after, each in a line.
fn in_lines(Difference { what, before, after }: &Difference) -> String {
    let line = |(sign, value): (char, &Option<String>)| {
        value.as_ref().map_or_else(String::new, |value| format!("\n{sign} {what} {value}"))
    };
    [('-', before), ('+', after)].map(line).concat()
}
