//! Load order, affected sets and conflicts, from cargo metadata and manifests.
