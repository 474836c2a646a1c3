//! Why errors happened.

/// An error and its causes, on one line; some of other crates' errors quote their causes themselves.
pub fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| match cause.to_string() {
        known if line.contains(&known) => line,
        cause => format!("{line}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once() {
        let inner = std::io::Error::other("the disk is full");
        let error = kube::Error::ReadEvents(std::io::Error::other(inner));
        assert_eq!(with_causes(&error).matches("the disk is full").count(), 1);
    }
}
