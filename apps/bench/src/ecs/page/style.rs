//! Colours and letters of the page.

use crate::ecs::contest::KEEL;
use crate::ecs::protocol::{Case, Storage};

/// The engines that have a colour of their own; a user's comes last.
const COLOURED: [&str; 6] = ["hecs", "bevy_ecs", "flecs_ecs", "legion", "shipyard", "sparsey"];

/// The class of an engine's bars and lines.
pub(super) fn class_of(case: &Case) -> &'static str {
    match (case.engine.as_str(), case.storage) {
        (KEEL, _) => "keel",
        (_, Storage::Arrays) => "floor",
        (engine, _) => COLOURED.into_iter().find(|name| *name == engine).unwrap_or("other"),
    }
}

/// For light and dark: the second block has the same names with other colours.
pub(super) const CSS: &str = "
:root {
  color-scheme: light dark;
  --page: #fdfdfc; --text: #1d2327; --quiet: #5c666e; --grid: #dde2e6; --spread: #10151a;
  --keel: #d1481f; --floor: #8b959d; --hecs: #2f6fb3; --bevy_ecs: #3d8a4e; --flecs_ecs: #8052b5;
  --legion: #a8770b; --shipyard: #0f8a8f; --sparsey: #b2417e; --other: #5a6470;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15191d; --text: #e4e8eb; --quiet: #9aa5ad; --grid: #2d353c; --spread: #ffffff;
    --keel: #ff7d4f; --floor: #7d8890; --hecs: #6aa9ec; --bevy_ecs: #6cc07d; --flecs_ecs: #b48be6;
    --legion: #dcae49; --shipyard: #4cc4c9; --sparsey: #ea82b6; --other: #a3adb8;
  }
}
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 860px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 1.7rem; line-height: 1.2; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .4rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dt, p, summary { color: var(--quiet); }
dd { margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--grid); }
th { color: var(--quiet); font-weight: 600; }
th:first-child, td:first-child, td.form { text-align: left; }
td.form { white-space: normal; min-width: 18rem; }
td.best { text-decoration: underline; text-underline-offset: .2em; font-weight: 600; }
details { margin: .3rem 0 0; font-size: .9rem; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: var(--text); font-variant-numeric: tabular-nums; }
svg .tick { fill: var(--quiet); font-size: 11px; }
.middle { text-anchor: middle; } .end, .label { text-anchor: end; }
.grid { stroke: var(--grid); } .spread { stroke: var(--spread); stroke-width: 1.5; opacity: .75; }
.label.keel, .name.keel { font-weight: 700; }
.line { fill: none; stroke-width: 2; } .line.keel { stroke-width: 3; }
.bar.keel, .dot.keel, .name.keel { fill: var(--keel); } .line.keel { stroke: var(--keel); }
.bar.floor, .dot.floor, .name.floor { fill: var(--floor); }
.line.floor { stroke: var(--floor); stroke-dasharray: 5 4; }
.bar.hecs, .dot.hecs, .name.hecs { fill: var(--hecs); } .line.hecs { stroke: var(--hecs); }
.bar.bevy_ecs, .dot.bevy_ecs, .name.bevy_ecs { fill: var(--bevy_ecs); } .line.bevy_ecs { stroke: var(--bevy_ecs); }
.bar.flecs_ecs, .dot.flecs_ecs, .name.flecs_ecs { fill: var(--flecs_ecs); }
.line.flecs_ecs { stroke: var(--flecs_ecs); }
.bar.legion, .dot.legion, .name.legion { fill: var(--legion); } .line.legion { stroke: var(--legion); }
.bar.shipyard, .dot.shipyard, .name.shipyard { fill: var(--shipyard); } .line.shipyard { stroke: var(--shipyard); }
.bar.sparsey, .dot.sparsey, .name.sparsey { fill: var(--sparsey); } .line.sparsey { stroke: var(--sparsey); }
.bar.other, .dot.other, .name.other { fill: var(--other); } .line.other { stroke: var(--other); }
svg .name.keel { fill: var(--keel); } svg .name.floor { fill: var(--floor); } svg .name.hecs { fill: var(--hecs); }
svg .name.bevy_ecs { fill: var(--bevy_ecs); } svg .name.flecs_ecs { fill: var(--flecs_ecs); }
svg .name.legion { fill: var(--legion); } svg .name.shipyard { fill: var(--shipyard); }
svg .name.sparsey { fill: var(--sparsey); } svg .name.other { fill: var(--other); }
@media print { details { display: block; } }
";
