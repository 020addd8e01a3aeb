//! The world: entities, components, resources and events, over hecs.
