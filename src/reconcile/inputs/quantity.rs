//! Amounts of a resource, as Kubernetes writes them.

/// Billionths in one.
const NANO: u128 = 1_000_000_000;

/// An amount in billionths, which is as fine as Kubernetes has it; a finer one is rounded up. None if the text is no
/// amount, or a negative one.
pub fn parse(text: &str) -> Option<u128> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let divisor = 10u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    Some(digits.checked_mul(nanos(suffix)?)?.div_ceil(divisor))
}

/// The billionths in one of a unit.
fn nanos(suffix: &str) -> Option<u128> {
    const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
    const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let power = |base: u128, exponent: usize| base.checked_pow(u32::try_from(exponent).ok()?);
    if let Some(at) = DECIMAL.iter().position(|unit| *unit == suffix) {
        return power(1000, at);
    }
    if let Some(at) = BINARY.iter().position(|unit| *unit == suffix) {
        return power(1024, at + 1)?.checked_mul(NANO);
    }
    let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    10u128.checked_pow(u32::try_from(exponent.checked_add(9)?).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_what_kubernetes_takes_them_for() {
        for (text, expected) in [
            ("0", 0),
            ("1", NANO),
            ("+1", NANO),
            ("1.5", NANO * 3 / 2),
            (".5", NANO / 2),
            ("5.", NANO * 5),
            ("100m", NANO / 10),
            ("1n", 1),
            ("0.1n", 1),
            ("3u", 3000),
            ("2k", NANO * 2000),
            ("1E", NANO * 10u128.pow(18)),
            ("1Ki", NANO * 1024),
            ("4Gi", NANO * (4 << 30)),
            ("1e3", NANO * 1000),
            ("1E3", NANO * 1000),
            ("1e-3", NANO / 1000),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_known() {
        for text in [
            "", ".", "-1", "1 Gi", "1gi", "1GB", "1KiB", "1.2.3", "Gi", "1e", "1e1.5", "1e99", "1e-99", "0x10",
            "1_000", "½", "++1",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"9".repeat(60)), None);
        assert_eq!(parse(&format!("0.{}", "0".repeat(60))), None);
    }
}
