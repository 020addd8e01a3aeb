//! Saved state: schemas, migration by field name, and the snapshot format.
