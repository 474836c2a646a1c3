//! Tests that read all that is logged on their thread, each by a subscriber of its own.
//!
//! They are a program of their own because of tracing's callsite cache: with a single subscriber, a callsite that a
//! test without a subscriber reaches first stays disabled for that subscriber too.

/// What other tests have too. Of that, this uses a part.
#[allow(dead_code)]
mod it {
    pub mod harness;
}
mod secrets;
