//! Text in, ranked passages out.
