//! Exports the data of the soak's game. Its manifest does not say that it is a module, so only the soak finds it.

keel::export_module! { model: keel_bench_soak_types }
