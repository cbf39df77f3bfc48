//! Work that can wait, on a thread of its own that the system serves after those that answer.

use std::io;
use std::thread;

use tokio::sync::oneshot;

/// How far below the others: with nobody else at work it makes no difference, and beside them it gets a
/// tenth of what each of them gets.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Does the work and waits for it. Threads that the work starts are as patient.
///
/// # Errors
/// If there is no thread to be had, or the work panicked.
pub(crate) async fn unhurried<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (done, outcome) = oneshot::channel();
    let patiently = move || {
        // Only here it is of this thread alone; elsewhere the whole process would wait.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::setpriority_process(None, NICENESS);
        // Whoever asked may be gone.
        let _ = done.send(work());
    };
    thread::Builder::new().name("unhurried".to_owned()).spawn(patiently)?;
    outcome.await.map_err(|_| io::Error::other("work in the background panicked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn it_is_nicer_than_its_caller_who_stays_as_it_was() {
        use rustix::process::getpriority_process;
        let before = getpriority_process(None).unwrap();
        let within = unhurried(|| (getpriority_process(None).unwrap(), 7)).await.unwrap();
        assert_eq!(within, (NICENESS, 7));
        assert_eq!(getpriority_process(None).unwrap(), before);
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let outcome = unhurried(|| assert!(std::hint::black_box(false), "a panic that is meant to be")).await;
        assert!(outcome.is_err());
    }
}
