//! Exports the data of the game Shoal as a Model module.

keel::export_module! { model: shoal_model }
