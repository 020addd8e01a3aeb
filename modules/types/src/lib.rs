//! What a module is: the ViewModel trait, the descriptor and export_module!.
