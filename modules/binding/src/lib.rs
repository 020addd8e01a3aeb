//! Binds views to model types and their pools, sharded and read without a lock.
