//! Tests that read all that is logged on their thread, each by a subscriber of its own.
//!
//! They are a program of their own: while there is one subscriber only, a place in the source that a test without any
//! comes to first is off for that subscriber too.

/// What other tests have too. Of that, this uses a part.
#[allow(dead_code)]
mod it {
    pub mod harness;
}
mod secrets;
