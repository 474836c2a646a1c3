//! YAML as Kubernetes reads it.

use serde::Serialize;
use serde_json::Value;

/// Why a text is no YAML.
pub type Error = Box<serde_saphyr::Error>;

/// The documents of a text.
///
/// `0644` is an octal number, as it is to `kubectl` and everything else that reads manifests; file modes in
/// MachineConfigs depend on it. An error names the place, and quotes nothing of what is there: it may be a Secret.
pub fn parse(text: &str) -> Result<Vec<Value>, Error> {
    let options = serde_saphyr::options! { legacy_octal_numbers: true, with_snippet: false };
    serde_saphyr::from_multiple_with_options(text, options).map_err(Box::new)
}

/// A document as text.
///
/// # Panics
/// If it is nothing that JSON can hold.
pub fn print(document: &impl Serialize) -> String {
    serde_saphyr::to_string(document).expect("JSON has nothing in it that YAML cannot hold")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn modes_are_octal_where_they_are_written_so() {
        assert_eq!(parse("mode: 0644").unwrap(), [json!({"mode": 420})]);
        assert_eq!(parse("mode: 420").unwrap(), [json!({"mode": 420})]);
    }

    #[test]
    fn documents_are_told_apart_and_errors_name_the_line() {
        assert_eq!(parse("a: 1\n---\nb: [x]\n").unwrap(), [json!({"a": 1}), json!({"b": ["x"]})]);
        let error = parse("a: 1\nb: [x\n").unwrap_err().to_string();
        assert!(error.contains("line"), "{error}");
    }

    #[test]
    fn an_error_quotes_nothing_of_the_text() {
        for text in ["stringData:\n  password: hunter22\n  b: [x\n", "a: hunter22\n b: c\n", "a: \"hunter22\nb: c\n"] {
            let error = parse(text).unwrap_err();
            assert!(!error.to_string().contains("hunter22") && !format!("{error:?}").contains("hunter22"), "{error:?}");
        }
    }

    #[test]
    fn what_is_printed_reads_the_same() {
        let odd = json!({"a": "0644", "b": "yes", "c": " x\ny\n\n", "d": null, "e": "- :", "f": "1.0", "g": "on", "h": "~", "i": ""});
        assert_eq!(parse(&print(&odd)).unwrap(), [odd]);
    }
}
