//! Tests that read all that is logged on their thread, each by a subscriber of its own.
//!
//! They are a program of their own because of tracing's callsite cache: with a single subscriber, a callsite that a
//! test without a subscriber reaches first stays disabled for that subscriber too.

/// The shared harness, of which this program uses a part.
#[allow(dead_code)]
mod it {
    pub(crate) mod harness;
}
mod secrets;
