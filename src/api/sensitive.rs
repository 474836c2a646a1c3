//! Values that must not appear in output.

use std::fmt;

/// A value that cannot be printed: it has no `Display`, cannot be serialized, and its `Debug` shows nothing of it. Who
/// needs it has to say so, by name.
///
/// Of its own, and not of the crate secrecy, as that holds only what can be wiped from memory, which API objects cannot.
///
/// ```compile_fail
/// println!("{}", machine_os_builder::api::Sensitive::new("hunter2"));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Hides `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value. Where it goes from here is the caller's to answer for.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_it_is_printed() {
        let value = Sensitive::new("hunter2");
        assert_eq!(format!("{value:?} {value:#?}"), "[redacted] [redacted]");
        assert_eq!(value.expose().len(), 7);
    }
}
