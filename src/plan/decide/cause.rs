//! The cause of a failure, found in what a build has printed: it is said first, and what surrounds it is shortened.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use crate::plan::conditions::cut;

/// Longest line that is shown whole, in bytes.
const LINE_BYTES_MAX: usize = 300;
/// How much of the beginning of a longer line is shown, in bytes.
const LINE_HEAD_BYTES: usize = 120;
/// Longest echo of a step of a Containerfile, in bytes.
const STEP_BYTES_MAX: usize = 100;
/// Longest cause, in bytes.
const CAUSE_BYTES_MAX: usize = 400;

/// `output` without what takes room and says nothing: the environment of a stage is cut, and so are the texts of steps
/// and other long lines.
pub(super) fn shortened(output: &str) -> String {
    static ENVIRONMENT: LazyLock<Regex> = LazyLock::new(|| pattern(r"Env:\[[^\]]*(?:\]|$)"));
    static STEP: LazyLock<Regex> = LazyLock::new(|| pattern(r#"(?s)(at STEP ")(.*?)(": |$)"#));
    let output = ENVIRONMENT.replace_all(output, "Env:[…]");
    let step =
        |found: &regex::Captures<'_>| format!("{}{}{}", &found[1], cut(found[2].trim(), STEP_BYTES_MAX), &found[3]);
    let output = STEP.replace_all(&output, step);
    let lines: Vec<Cow<'_, str>> = output.lines().map(short_line).collect();
    lines.join("\n")
}

fn short_line(line: &str) -> Cow<'_, str> {
    let line = line.trim_end();
    if is_step_echo(line) && line.len() > STEP_BYTES_MAX {
        return Cow::Owned(cut(line, STEP_BYTES_MAX));
    }
    if line.len() <= LINE_BYTES_MAX {
        return Cow::Borrowed(line);
    }
    let head = cut(line, LINE_HEAD_BYTES);
    let tail = &line[line.ceil_char_boundary(line.len() - (LINE_BYTES_MAX - LINE_HEAD_BYTES))..];
    Cow::Owned(format!("{head} {tail}"))
}

/// The line of `output`, shortened before, that says why the build failed; `None` if there is none.
///
/// It is the last that tells of an error, but for those by which buildah and the build script sum up. Without one, it is
/// the last that is no step's echo.
pub(super) fn cause(output: &str) -> Option<String> {
    static ERROR: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(error|fail(ed|ure)?|fatal|cannot|can't|could not|unable|denied|unauthorized|forbidden|not found|not permitted|no such|no match|unknown|invalid|refused|rejected|timed? ?out|timeout|deadline|x509|no space|quota|out of memory|oom|killed|exceed(ed|s)?|too (large|many|long)|panic(ked)?|traceback|missing|unrecogni[sz]ed|unsupported|conflicts?|does not|doesn't|is not|bad|broken|corrupt(ed)?|nothing provides)\b",
        )
    });
    let lines = || output.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    let told = || lines().filter(|line| !is_summary(line) && !is_step_echo(line));
    let found = told().find(|line| ERROR.is_match(line)).or_else(|| told().next()).or_else(|| lines().next())?;
    let bare = ["Error: ", "error: ", "ERROR: ", "fatal: ", "E: "].iter().find_map(|prefix| found.strip_prefix(prefix));
    Some(cut(bare.unwrap_or(found), CAUSE_BYTES_MAX))
}

/// Whether there is more in `output` than its [`cause`], and the lines by which buildah and the build script sum up.
pub(super) fn says_more(output: &str) -> bool {
    let told = output.lines().map(str::trim).filter(|line| !line.is_empty() && !is_summary(line));
    told.count() > 1
}

/// Whether a line only repeats that a step failed, or what is done next.
fn is_summary(line: &str) -> bool {
    static SUMMARY: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r#"(?ix)^(
                (error:\s)? (error\s)? building\ at\ STEP\ .* (exit\ status|executable\ file|runtime).*
                | (error:\s)? (the\ )?(sub)?process\ exited\ with\ status\ \d+
                | (error:\s)? (while\ running\ runtime:\ )? exit\ status\ \d+
                | subprocess\ exited.*
                | failed\ to\ (build\ the\ image|read\ the\ MachineConfig|pull\ \S+|push\ \S+)(:\ gave\ up\ after.*|:\ access\ denied|\ \(try\ .*)?
                | .*\btrying\ again\ in\b.*
                | \++\ .*
                | time="[^"]*"\ level=(warning|info|debug).*
                | getting\ image\ source.* | copying\ (blob|config).* | writing\ manifest.* | storing\ signatures
                | (the\ )?image\ (was|is)\ not\ built.*
            )$"#,
        )
    });
    SUMMARY.is_match(line)
}

fn is_step_echo(line: &str) -> bool {
    static ECHO: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\[\d+/\d+\] )?STEP \d+(/\d+)?: "));
    ECHO.is_match(line)
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause_of(output: &str) -> Option<String> {
        cause(&shortened(output))
    }

    #[test]
    fn the_cause_is_the_last_line_that_tells_of_an_error_and_is_no_summary() {
        for (output, expected) in [
            ("STEP 4: RUN dnf install tmuxx\nerror: no such package: tmuxx", "no such package: tmuxx"),
            (
                "Error: Unable to find a match: tmux-plugin\nError: building at STEP \"RUN dnf -y install a && dnf\": while running runtime: exit status 1\nfailed to build the image",
                "Unable to find a match: tmux-plugin",
            ),
            (
                "Error: writing blob: initiating layer upload: name unknown: The repository with name fleet/os does not exist in the registry\nfailed to push registry.example.com/fleet/os: gave up after 5 tries",
                "writing blob: initiating layer upload: name unknown: The repository with name fleet/os does not exist in the registry",
            ),
            (
                "make: *** [all] Error 2\nsubprocess exited with status 2\nsubprocess exited with status 2",
                "make: *** [all] Error 2",
            ),
            ("one\ntwo\n", "two"),
            ("STEP 2: RUN true", "STEP 2: RUN true"),
            (
                "Error: building at STEP \"COPY x /x\": no items matching glob \"x\" copied: no such file or directory",
                "building at STEP \"COPY x /x\": no items matching glob \"x\" copied: no such file or directory",
            ),
            (
                "Error: initializing source docker://registry.test/os:9: reading manifest 9 in registry.test/os: manifest unknown\nfailed to pull registry.test/os:9 (try 1 of 5); trying again in 1s",
                "initializing source docker://registry.test/os:9: reading manifest 9 in registry.test/os: manifest unknown",
            ),
        ] {
            assert_eq!(cause_of(output).as_deref(), Some(expected), "{output}");
        }
        assert_eq!(cause_of(" \n"), None);
    }

    #[test]
    fn a_long_step_does_not_take_the_room_of_the_cause() {
        let step = format!("RUN {}", "dnf -y install a-package && ".repeat(80));
        let output = format!(
            "STEP 9/9: {step}\nError: Unable to find a match: tmux\nError: building at STEP \"{step}\": while running runtime: exit status 1\n"
        );
        let short = shortened(&output);
        assert!(short.len() < 500, "{short}");
        assert!(
            short.contains("Unable to find a match: tmux") && short.ends_with("while running runtime: exit status 1")
        );
        assert_eq!(cause(&short).as_deref(), Some("Unable to find a match: tmux"));
    }

    #[test]
    fn the_environment_of_a_stage_is_cut() {
        let output = "Error: committing container for step {Env:[PATH=/usr/bin API_TOKEN=tok3n] Command:run}: write /usr/lib/x: no space left on device";
        assert_eq!(
            shortened(output),
            "Error: committing container for step {Env:[…] Command:run}: write /usr/lib/x: no space left on device"
        );
        assert_eq!(shortened("step {Env:[PATH=/usr/bin API_TOKEN=tok"), "step {Env:[…]");
    }

    #[test]
    fn of_a_long_line_both_ends_are_shown() {
        let line = format!("begin {} end", "ü".repeat(400));
        let short = shortened(&line);
        assert!(
            short.starts_with("begin ü") && short.ends_with("ü end") && short.len() <= LINE_BYTES_MAX + 8,
            "{short}"
        );
    }
}
