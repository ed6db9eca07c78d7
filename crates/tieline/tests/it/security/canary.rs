//! A secret that must be found nowhere.
