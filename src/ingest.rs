//! The whole upload flow on one screen.
