//! `--limit NAME=N`: the most that a world may hold.

use std::fmt;
use std::str::FromStr;

use keel::ecs::Limits;

/// One limit and what it is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    name: &'static str,
    max: usize,
}

/// The limits by their names.
const NAMES: [&str; 5] = ["entities", "bytes", "events", "commands", "tasks"];

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, max) = text.split_once('=').ok_or("write NAME=N, as in `entities=1000000`")?;
        let known = NAMES.into_iter().find(|known| *known == name);
        let name =
            known.ok_or_else(|| format!("there is no limit `{name}`; there are: {}", NAMES.join(", ")))?;
        let max = max.parse().map_err(|error| format!("`{max}` is no number of {name}: {error}"))?;
        Ok(Self { name, max })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}={}", self.name, self.max)
    }
}

/// All limits: those that were set, and the defaults of the others.
pub(crate) fn limits(set: &[Limit]) -> Limits {
    let mut limits = Limits::default();
    for Limit { name, max } in set {
        let place = match *name {
            "entities" => &mut limits.entities,
            "bytes" => &mut limits.bytes,
            "events" => &mut limits.events,
            "commands" => &mut limits.commands,
            _ => &mut limits.tasks,
        };
        *place = *max;
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_set_by_its_name_and_the_others_stay() {
        let set: Vec<Limit> =
            NAMES.iter().map(|name| format!("{name}=7").parse().expect("a limit")).collect();
        let all = Limits { entities: 7, bytes: 7, events: 7, commands: 7, tasks: 7 };
        assert_eq!(limits(&set), all);
        assert_eq!(limits(&set[..1]), Limits { entities: 7, ..Limits::default() });
        assert_eq!(set[0].to_string().parse(), Ok(set[0]), "as it is handed to the engine process");
    }

    #[test]
    fn what_is_no_limit_is_told_with_what_is_one() {
        let refused = |text: &str| text.parse::<Limit>().expect_err("no limit");
        assert_eq!(refused("entities"), "write NAME=N, as in `entities=1000000`");
        assert!(refused("fish=1").contains("entities, bytes, events, commands, tasks"));
        assert!(refused("tasks=many").starts_with("`many` is no number of tasks"));
    }
}
