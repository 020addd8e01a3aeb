//! Every event in every state.

use keel_registry::{Event, Lifecycle, State, WrongTransition};

const STATES: [State; 9] = [
    State::Watching,
    State::Building,
    State::Checking,
    State::Trial,
    State::Swapping,
    State::Probation,
    State::Live,
    State::Rejected,
    State::Suspended,
];

const EVENTS: [Event; 12] = [
    Event::Saved,
    Event::Built,
    Event::Unchanged,
    Event::Checked,
    Event::CheckedForTrial,
    Event::Fits,
    Event::Swapped,
    Event::SwappedForGood,
    Event::Proven,
    Event::Failed,
    Event::RolledBack,
    Event::Faulted,
];

/// Each way that leads on, and no other; `Saved` leads to `Building` from everywhere.
const WAYS: [(State, Event, State); 19] = [
    (State::Building, Event::Built, State::Checking),
    (State::Building, Event::Failed, State::Rejected),
    // Back to where it came from, which `at` leads to from `Watching`.
    (State::Building, Event::Unchanged, State::Watching),
    (State::Checking, Event::Checked, State::Swapping),
    (State::Checking, Event::CheckedForTrial, State::Trial),
    (State::Checking, Event::Failed, State::Rejected),
    (State::Trial, Event::Fits, State::Swapping),
    (State::Trial, Event::Failed, State::Rejected),
    (State::Swapping, Event::Swapped, State::Probation),
    (State::Swapping, Event::SwappedForGood, State::Live),
    (State::Swapping, Event::Failed, State::Rejected),
    (State::Probation, Event::Proven, State::Live),
    (State::Probation, Event::RolledBack, State::Rejected),
    (State::Probation, Event::Faulted, State::Suspended),
    (State::Live, Event::Faulted, State::Suspended),
    (State::Rejected, Event::Faulted, State::Suspended),
    // Written out for the count: a save from where nothing is under way.
    (State::Watching, Event::Saved, State::Building),
    (State::Live, Event::Saved, State::Building),
    (State::Rejected, Event::Saved, State::Building),
];

/// A lifecycle that was led to `state`.
fn at(state: State) -> Lifecycle {
    let way: &[Event] = match state {
        State::Watching => &[],
        State::Building => &[Event::Saved],
        State::Checking => &[Event::Saved, Event::Built],
        State::Trial => &[Event::Saved, Event::Built, Event::CheckedForTrial],
        State::Swapping => &[Event::Saved, Event::Built, Event::Checked],
        State::Probation => &[Event::Saved, Event::Built, Event::Checked, Event::Swapped],
        State::Live => &[Event::Saved, Event::Built, Event::Checked, Event::SwappedForGood],
        State::Rejected => &[Event::Saved, Event::Failed],
        State::Suspended => &[Event::Saved, Event::Failed, Event::Faulted],
    };
    let mut lifecycle = Lifecycle::default();
    way.iter()
        .for_each(|event| assert!(lifecycle.apply(*event).is_ok(), "{event:?} on the way to {state:?}"));
    assert_eq!(lifecycle.state(), state);
    lifecycle
}

#[test]
fn every_event_in_every_state_leads_where_the_table_says_or_changes_nothing() {
    let mut led_on = 0;
    for state in STATES {
        for event in EVENTS {
            let mut lifecycle = at(state);
            let way = WAYS.iter().find(|way| (way.0, way.1) == (state, event)).map(|way| way.2);
            let expected = if event == Event::Saved { Some(State::Building) } else { way };
            match expected {
                Some(next) => assert_eq!(lifecycle.apply(event), Ok(next), "{event:?} in {state:?}"),
                None => {
                    assert_eq!(lifecycle.apply(event), Err(WrongTransition { state, event }));
                    assert_eq!(lifecycle.state(), state, "an event that means nothing changes nothing");
                }
            }
            led_on += usize::from(expected.is_some());
        }
    }
    assert_eq!(led_on, 16 + STATES.len(), "as many ways as the table has, and a save from everywhere");
}

#[test]
fn every_state_but_the_first_is_left_and_reached() {
    for state in STATES {
        let leaves = EVENTS.iter().any(|event| at(state).apply(*event).is_ok_and(|next| next != state));
        assert!(leaves || state == State::Building, "nothing leads on from {state:?}");
        assert!(at(state).apply(Event::Saved).is_ok(), "a save counts at any time, also in {state:?}");
    }
}

#[test]
fn a_wrong_event_is_told_as_a_defect_of_the_host() {
    let text = at(State::Live).apply(Event::Built).unwrap_err().to_string();
    assert_eq!(
        text,
        "a module that is Live can't take Built; this is a defect of the host, please report it"
    );
}
