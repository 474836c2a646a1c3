//! The cause of a failure, found in the output of a build. Messages put it first and shorten the rest of the output.
//!
//! The script of a build pod looks for the cause of a failed step by the same rules, in `templates/build-image.sh`; a test
//! holds both to the same outputs.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::reconcile::pool::conditions::cut;

/// Longest line that is shown whole, in bytes.
const LINE_BYTES_MAX: usize = 300;
/// How much of the beginning of a longer line is shown, in bytes.
const LINE_HEAD_BYTES: usize = 120;
/// Longest echo of a step of a Containerfile, in bytes.
const STEP_BYTES_MAX: usize = 100;
/// Longest cause, in bytes.
const CAUSE_BYTES_MAX: usize = 400;

/// `output` without its noise: the environment of a stage, the texts of steps and other long lines are cut.
pub fn shortened(output: &str) -> String {
    // The redaction may have replaced a part of it, which leaves a second bracket.
    static ENVIRONMENT: LazyLock<Regex> = LazyLock::new(|| pattern(r"Env:\[[^\]]*(?:\]\]?|$)"));
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
    // The answer of a registry is at the end, behind names that may be long.
    let line = bare(line);
    if line.len() <= LINE_BYTES_MAX {
        return Cow::Borrowed(line);
    }
    let head = cut(line, LINE_HEAD_BYTES);
    let tail = &line[line.ceil_char_boundary(line.len() - (LINE_BYTES_MAX - LINE_HEAD_BYTES))..];
    Cow::Owned(format!("{head} {tail}"))
}

/// The line of `output`, shortened before, that says why the build failed; `None` if there is none.
///
/// Of the lines that describe an error best, this is the last, leaving out the summaries of buildah, the build script
/// and other tools. Without such a line, it is the last one that does not echo a step.
pub fn cause(output: &str) -> Option<String> {
    let lines = || output.lines().map(str::trim).filter(|line| !line.is_empty());
    let told = lines().filter(|line| !is_summary(line) && !is_step_echo(line)).enumerate();
    // The script has seen more of the output, and the cause that it names is cut least.
    let best = told.max_by_key(|(number, line)| (strength(line), is_by_the_script(line), *number));
    let found = best.map(|(_, line)| line).or_else(|| lines().next_back())?;
    Some(cut(bare(found), CAUSE_BYTES_MAX))
}

/// Whether `output` holds more than its [`cause`] and the summaries of buildah and the build script: other lines, or an
/// image name that the cause leaves out.
pub(super) fn says_more(output: &str) -> bool {
    let told = || output.lines().map(str::trim).filter(|line| !line.is_empty() && !is_summary(line));
    let is_freed_of_name = |line: &str| line.strip_suffix(bare(line)).is_some_and(|path| path.contains('/'));
    told().map(bare).collect::<BTreeSet<_>>().len() > 1 || told().any(is_freed_of_name)
}

/// How well a line tells why a command failed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    /// Nothing in it is an error.
    None,
    /// It says that there was an error, or announces one.
    Weak,
    /// It says what the error was.
    Strong,
}

fn strength(line: &str) -> Strength {
    static ERROR: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(\w*error|\w*exception|fail(ed|ure)?|fatal|critical|cannot|can't|could not|unable|denied|unauthorized|forbidden|not found|not permitted|no such|no match|unknown|invalid|refused|rejected|timed? ?out|timeout|deadline|x509|no space|more space|quota|out of memory|oom|killed|exceed(ed|s)?|too (large|many|long)|panic(ked)?|traceback|missing|unrecogni[sz]ed|unsupported|conflict(s|ing)?|does not|doesn't|is not|bad|broken|corrupt(ed)?|nothing provides)\b",
        )
    });
    static WEAK: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)(:$|^make(\[\d+\])?: \*\*\* |^(- )?Problem( \d+)?: |^compilation terminated|\b(no|\d+) errors?\b|^\[?(warn(ing)?|info|note|notice|debug)\b)",
        )
    });
    match line {
        _ if !ERROR.is_match(line) => Strength::None,
        _ if WEAK.is_match(bare(line)) => Strength::Weak,
        _ => Strength::Strong,
    }
}

/// The sentences of the scripts that lead to the cause.
fn script_sentence() -> &'static Regex {
    static SENTENCE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^failed to (build the image|leave the image for its push|read the image for its push|(push|pull) \S+): ((gave up after \d+ tries|access denied|to try again would not help): )?",
        )
    });
    &SENTENCE
}

fn is_by_the_script(line: &str) -> bool {
    script_sentence().is_match(line)
}

/// A line without its prefixes: the sentence of a script, and buildah's trail of steps towards a registry.
fn bare(line: &str) -> &str {
    static PATH: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r#"(?x)^(
                -\ | (error|Error|ERROR|fatal|E|build\ error):\s
                | [Ff]ailed\ to\ (push|pull)\ image:\s
                | pushing\ image\ "[^"]*"\ to\ "[^"]*":\s
                | copying\ system\ image\ from\ manifest\ list:\s | creating\ build\ container:\s
                | initializing\ (source|image|destination)(\ from\ source)?\ \S+:\s
                | trying\ to\ reuse\ blob(\ \S+)?(\ at\ destination)?:\s
                | checking\ whether\ a\ blob\ \S+\ exists\ in\ \S+:\s
                | (writing|reading|uploading|copying)\ (blob|manifest|layer|config)(\ [^\s"]*[^\s":])*?:\s
                | initiating\ layer\ upload(\ [^\s"]*[^\s":])*?:\s
                | pinging\ (container|docker)\ registry\ \S+:\s
                | fetching\ blob:\s | Requesting\ bearer\ token:\s | choosing\ image\ instance:\s
                | (pushing|initializing|trying|checking|writing|reading|uploading|pinging|initiating)\ [^…]*…\ .*?:\s
            )"#,
        )
    });
    let line = line.trim();
    let mut rest = script_sentence().find(line).map_or(line, |found| line[found.end()..].trim_start());
    while let Some(found) = PATH.find(rest) {
        rest = rest[found.end()..].trim_start();
    }
    if rest.is_empty() { line } else { rest }
}

/// Whether a line only repeats that something failed, or says what may be done next.
fn is_summary(line: &str) -> bool {
    static SUMMARY: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r#"(?ix)^(
                (error:\s)? (build\ error:\s)? (error\s)? building\ at\ STEP\ .* (exit\ status|executable\ file|runtime).*
                | (error:\s)? (the\ )?(sub)?process\ exited\ with\ status\ \d+
                | (error:\s)? (while\ running\ runtime:\ )? exit\ status\ \d+
                | subprocess\ exited.*
                | failed\ to\ (build\ the\ image|read\ the\ MachineConfig|pull\ \S+|push\ \S+)(:\ gave\ up\ after\ \d+\ tries|:\ access\ denied|:\ to\ try\ again\ would\ not\ help|\ \(try\ .*)?
                | .*\btrying\ again\ in\b.*
                | \++\ .*
                | time="[^"]*"\ level=(warning|info|debug).*
                | getting\ image\ source.* | copying\ (blob|config)\ .* | writing\ manifest\ to.* | storing\ signatures
                | (the\ )?image\ (was|is)\ not\ built.*
                | (dockerfile\ build\ strategy\ has\ failed|generic\ build\ failure\ -.*|failed\ pulling\ builder\ image|failed\ to\ push\ the\ image\ to\ the\ registry)\.?
                | \(try\ to\ add\ .* | you\ can\ try\ to\ add\ .* | --skip-\S+\ to\ .* | error\ summary | -+ | error:
                | npm\ (err!|error)\ (code\ .*|errno\ .*|syscall\ .*|a\ complete\ log\ of\ this\ run\ .*|\s*/.*)
                | \[error\](\s+(\[help\ \d+\].*|->\ \[help.*|to\ see\ the\ full\ .*|re-run\ maven\ .*|for\ more\ information\ .*|after\ correcting\ .*))?
                | at\ [\w.$<>/]+\(.*\) | file\ ".*",\ line\ \d+.*
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
mod tests;
