//! The page, as it is sent and as a person uses it: clicks, keys, dropped files and a lost network in
//! a real browser, against the built server.

#[path = "../support/mod.rs"]
mod support;

mod breaks;
mod browser;
mod citations;
mod hostile;
mod leaving;
mod library;
mod reach;
mod research;
mod sent;
mod session;
mod signin;
