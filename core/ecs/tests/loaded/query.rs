//! The calls of the query view.

use keel::ecs::{Entity, QueryTerms, QueryView, World};

use crate::{Hull, Velocity, at, new_world, refuses, saved, stale, view};

fn queries() -> &'static dyn QueryView {
    view::<dyn QueryView>()
}

fn terms(text: &str) -> QueryTerms {
    queries().parse(text).unwrap()
}

/// Three entities: with a position; with position and velocity; with position and hull.
fn fleet() -> (World, [Entity; 3]) {
    let mut world = new_world();
    let entities = [
        world.spawn((at(1.0),)),
        world.spawn((at(2.0), Velocity { x: 9.0, y: 0.0 })),
        world.spawn((at(3.0), Hull { plates: vec![] })),
    ];
    (world, entities)
}

#[track_caller]
fn check(text: &str, expected: &[usize]) {
    let (world, entities) = fleet();
    let expected: Vec<_> = expected.iter().map(|index| entities[*index]).collect();
    let terms = terms(text);
    queries().check(&world, &terms).unwrap();
    assert_eq!(queries().entities(&world, &terms).unwrap(), expected, "{text}");
    assert_eq!(queries().count(&world, &terms).unwrap(), expected.len(), "{text}");
    assert_eq!(queries().is_empty(&world, &terms).unwrap(), expected.is_empty(), "{text}");
    for entity in entities {
        assert_eq!(queries().matches(&world, &terms, entity).unwrap(), expected.contains(&entity), "{text}");
    }
    let mut prepared = queries().prepare(&world, &terms).unwrap();
    assert_eq!(queries().entities_prepared(&world, &mut prepared).unwrap(), expected, "{text}");
}

#[test]
fn terms_select_entities() {
    check("", &[0, 1, 2]);
    check("Position", &[0, 1, 2]);
    check("Position, !Hull", &[0, 1]);
    check("Position, ?Hull", &[0, 1, 2]);
    check("(Velocity|Hull)", &[1, 2]);
    check("(Velocity | Hull), !Velocity", &[2]);
    check("Velocity, Hull", &[]);
    check("Name", &[]);
}

#[test]
fn terms_that_are_none_are_refused() {
    for (text, term) in
        [("Position,", ""), ("(Hull", "(Hull"), ("!", "!"), ("A B", "A B"), ("(|Hull)", "(|Hull)")]
    {
        refuses(queries().parse(text), &format!("`{term}` in query `{text}` is no term"));
    }
    let (mut world, _) = fleet();
    for text in ["Sail", "!Sail", "?Sail", "(Hull|Sail)"] {
        let terms = terms(text);
        let mut prepared = keel::ecs::PreparedTerms::new(terms.clone());
        for refused in [
            queries().check(&world, &terms).err(),
            queries().entities(&world, &terms).err(),
            queries().count(&world, &terms).err(),
            queries().is_empty(&world, &terms).err(),
            queries().first(&world, &terms).err(),
            queries().single(&world, &terms).err(),
            queries().rows(&world, &terms).err(),
            queries().page(&world, &terms, 0, 1).err(),
            queries().values(&world, &terms).err(),
            queries().column(&world, &terms, "Position").err(),
            queries().visit(&world, &terms, &mut |_| true).err(),
            queries().prepare(&world, &terms).err(),
            queries().entities_prepared(&world, &mut prepared).err(),
            queries().count_prepared(&world, &mut prepared).err(),
        ] {
            refuses(refused.map_or(Ok(()), Err), "type `Sail` is not registered");
        }
    }
    refuses(queries().check(&world, &terms("Tide")), "`Tide` is a resource, a component was expected");
    let gone = stale(&mut world);
    refuses(queries().matches(&world, &terms("Position"), gone), "does not live");
    refuses(queries().row(&world, &terms("Position"), gone), "does not live");
    refuses(queries().column(&world, &terms("Position"), "Hull"), "has no component `Hull`");
    refuses(queries().column(&world, &terms("Position"), "Sail"), "not registered");
}

#[test]
fn matches_are_handed_out() {
    let (world, [a, b, c]) = fleet();
    let moving = terms("Position, ?Velocity");
    let rows = queries().rows(&world, &moving).unwrap();
    assert_eq!(rows.iter().map(|row| row.entity).collect::<Vec<_>>(), [a, b, c]);
    assert_eq!(rows[0].components, [Some(saved(&at(1.0))), None]);
    assert_eq!(rows[1].components[1], Some(saved(&Velocity { x: 9.0, y: 0.0 })));
    assert_eq!(queries().first(&world, &moving).unwrap().as_ref(), Some(&rows[0]));
    assert_eq!(queries().single(&world, &moving).unwrap(), None);
    assert_eq!(queries().single(&world, &terms("Hull")).unwrap().unwrap().entity, c);
    assert_eq!(queries().row(&world, &moving, b).unwrap().as_ref(), Some(&rows[1]));
    assert_eq!(queries().row(&world, &terms("Hull"), b).unwrap(), None);
    assert_eq!(queries().page(&world, &moving, 1, 1).unwrap(), rows[1..2]);
    assert_eq!(queries().page(&world, &moving, 5, 1).unwrap(), []);
    let values = queries().values(&world, &terms("Position, Velocity")).unwrap();
    assert_eq!(values[0].entity, b);
    assert_eq!(values[0].components[1].as_ref().unwrap().to_string(), "Velocity { x: 9.0, y: 0.0 }");
    let column = queries().column(&world, &terms("Position"), "Position").unwrap();
    assert_eq!(column, [at(1.0), at(2.0), at(3.0)].map(|it| saved(&it)));

    let mut seen = Vec::new();
    let visited = queries().visit(&world, &moving, &mut |row| {
        seen.push(row.entity);
        row.entity != b
    });
    assert_eq!((visited.unwrap(), seen), (2, vec![a, b]));
}

#[test]
fn a_prepared_query_sees_what_comes_later_and_survives_a_rebuild() {
    let (mut world, [a, b, c]) = fleet();
    let mut prepared = queries().prepare(&world, &terms("Position")).unwrap();
    let late = world.spawn((at(4.0), Velocity::default(), Hull { plates: vec![] }));
    assert_eq!(queries().entities_prepared(&world, &mut prepared).unwrap(), [a, b, c, late]);
    assert_eq!(queries().count_prepared(&world, &mut prepared).unwrap(), 4);
    world.despawn(a).unwrap();
    world.compact().unwrap();
    assert_eq!(queries().entities_prepared(&world, &mut prepared).unwrap(), [b, c, late]);
    let other = new_world();
    assert_eq!(queries().count_prepared(&other, &mut prepared).unwrap(), 0);
}
