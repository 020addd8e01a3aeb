//! Implements the views of the ECS area.
