//! The effect of a pool's own Containerfile text on the image, as far as the text shows it.
//!
//! The text stands after the stage `configs`, in the middle of a Containerfile: a parser directive such as `# escape=`
//! is a comment there, and every continuation is a backslash. Documents in the lines after an instruction are told as
//! BuildKit tells them.

mod documents;

use std::collections::BTreeMap;

use self::documents::documents;

/// The stage that the operating system with its MachineConfig is in.
const CONFIGS: &str = "configs";
/// Stages before the text that are something else.
const OTHERS: [&str; 2] = ["extract", "extensions"];

/// Why a text cannot be built from; a sentence's end, for a fault's `problem`, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub problem: String,
    /// How it is mended.
    pub fix: &'static str,
}

/// Whether a stage is made from `configs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Descent {
    /// It is.
    Sure,
    /// It is not.
    Other,
    /// That depends on what only the build knows.
    Unknown,
}

/// An instruction, its continuations included, and the line that it begins on.
struct Instruction {
    line: usize,
    text: String,
}

impl Instruction {
    /// Its words, as builds tell them: other white space than this is part of a word.
    fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split([' ', '\t', '\r', '\u{b}', '\u{c}']).filter(|word| !word.is_empty())
    }
}

/// Checks the text of a pool's Containerfile.
pub fn check(text: &str) -> Result<(), Problem> {
    characters(text)?;
    directive(text)?;
    let mut stages: BTreeMap<String, Descent> = OTHERS.map(|name| (name.to_owned(), Descent::Other)).into();
    stages.insert(CONFIGS.to_owned(), Descent::Sure);
    // Without a FROM, the instructions belong to the stage `configs`.
    let mut last = None;
    let instructions = instructions(text);
    for instruction in &instructions {
        first_word(instruction)?;
        let Some((image, name)) = stage(instruction) else { continue };
        let descent = descent(image, &stages);
        if let Some(name) = name {
            stages.insert(name.to_lowercase(), descent);
        }
        last = Some((descent, image, instruction.line));
    }
    match last {
        Some((Descent::Other, image, line)) => Err(Problem {
            problem: format!(
                "its last stage is made from {image:?} (FROM in line {line}), not from the stage configs: the image would \
                 have neither the MachineConfig nor its operating system"
            ),
            fix: "let the last stage begin with FROM configs, or with a stage made from it, and COPY --from the others",
        }),
        _ => Ok(()),
    }
}

/// Characters that editors leave, and that no build reads as they were meant.
fn characters(text: &str) -> Result<(), Problem> {
    let line_of = |at: usize| text[..at].matches('\n').count() + 1;
    let fix = "save it as UTF-8 without a byte order mark, and replace the key's value";
    if let Some(at) = text.find(['\u{feff}', '\u{fffe}']) {
        let problem =
            format!("there is a byte order mark in line {}, which is read as part of an instruction", line_of(at));
        return Err(Problem { problem, fix });
    }
    if let Some(at) = text.find('\0') {
        let problem = format!("there is a NUL character in line {}, as in text that is saved as UTF-16", line_of(at));
        return Err(Problem { problem, fix });
    }
    Ok(())
}

/// A directive at the top that makes another character than a backslash join lines.
fn directive(text: &str) -> Result<(), Problem> {
    let comments = text.lines().enumerate().map_while(|(index, line)| Some((index, line.trim().strip_prefix('#')?)));
    let directives = comments.filter_map(|(index, line)| Some((index, line.split_once('=')?)));
    for (index, (name, value)) in directives {
        if name.trim().eq_ignore_ascii_case("escape") && value.trim() != "\\" {
            return Err(Problem {
                problem: format!(
                    "the directive escape in line {} is a comment there, as the text stands in the middle of a \
                     Containerfile, and lines go on after a backslash alone",
                    index + 1
                ),
                fix: "remove the directive, and end each line that goes on with a backslash",
            });
        }
    }
    Ok(())
}

/// No instruction has such a character in its name: it came with text that was copied, and cannot be seen.
fn first_word(instruction: &Instruction) -> Result<(), Problem> {
    let word = instruction.words().next().unwrap_or_default();
    word.chars().find(|c| !c.is_ascii()).map_or(Ok(()), |c| {
        Err(Problem {
            problem: format!(
                "the instruction in line {} has the character U+{:04X} in its first word, which no build reads",
                instruction.line,
                u32::from(c)
            ),
            fix: "type that word and the blank after it anew: it may look right, as copied text does",
        })
    })
}

/// The image and the name of a stage that an instruction begins.
fn stage(instruction: &Instruction) -> Option<(&str, Option<&str>)> {
    let mut words = instruction.words();
    if !words.next()?.eq_ignore_ascii_case("from") {
        return None;
    }
    let mut arguments = words.skip_while(|word| word.starts_with("--"));
    let image = arguments.next()?;
    let name = arguments.next().filter(|word| word.eq_ignore_ascii_case("as")).and_then(|_| arguments.next());
    Some((image, name))
}

fn descent(image: &str, stages: &BTreeMap<String, Descent>) -> Descent {
    // Arguments of the build, quotes, and stages by their number.
    if image.contains(['$', '"', '\'', '\\']) || image.bytes().all(|byte| byte.is_ascii_digit()) {
        return Descent::Unknown;
    }
    stages.get(&image.to_lowercase()).copied().unwrap_or(Descent::Other)
}

fn instructions(text: &str) -> Vec<Instruction> {
    let mut instructions: Vec<Instruction> = Vec::new();
    let mut is_continued = false;
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let line = line.trim();
        // Comments and empty lines may stand between a line and its continuation.
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (part, continues) = match line.strip_suffix('\\') {
            Some(rest) => (rest, true),
            None => (line, false),
        };
        match instructions.last_mut().filter(|_| is_continued) {
            Some(instruction) => instruction.text.extend([" ", part]),
            None => instructions.push(Instruction { line: index + 1, text: part.to_owned() }),
        }
        is_continued = continues;
        let Some(instruction) = instructions.last().filter(|_| !is_continued) else { continue };
        for (end, is_indented) in documents(&instruction.text) {
            let is_end = |line: &str| if is_indented { line.trim_start_matches('\t') == end } else { line == end };
            // One without an end takes all of the text; the build says so.
            lines.by_ref().find(|(_, line)| is_end(line.trim_end_matches('\r')));
        }
    }
    instructions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        check(text).err().map(|problem| problem.problem).unwrap_or_default()
    }

    #[test]
    fn a_last_stage_that_is_made_from_configs_is_taken() {
        for text in [
            "RUN rpm-ostree install tmux",
            "",
            "# FROM scratch\nRUN x",
            "FROM configs",
            "from Configs as Final\nRUN x",
            "FROM configs AS a\nFROM a AS b\nFROM b",
            "FROM alpine:3.18 AS tools\nRUN x\nFROM configs\nCOPY --from=tools /x /x",
            "FROM --platform=linux/amd64 configs",
            "FROM \\\n  # a comment\n\n  configs AS final",
            "FROM configs\r\nRUN x\r\n",
            "\t FROM\tconfigs",
            "FROM alpine AS configs-tools\nFROM configs",
            "FROM configs\nRUN cat <<EOF > /etc/x\nFROM scratch\nEOF\nRUN y",
            "FROM configs\nCOPY <<-'a' <<\"B\" /etc/\nFROM scratch\n\ta\nFROM scratch\nB\n",
            "FROM configs\nRUN echo x && \\\nFROM scratch",
            "FROM configs\nRUN cat <<END-OF-FILE > /etc/x\nFROM scratch\nEND-OF-FILE\n",
            "FROM configs\nRUN cat <<EOF.1 > /etc/x\nFROM scratch\nEOF.1\n",
            "FROM configs\nRUN cat <<1 >/x\nFROM scratch\n1\n",
            "FROM configs\nRUN cat <<E'O'F >/x\nFROM scratch\nEOF\n",
            "FROM configs\nRUN cat <<\"END OF\" > /x\nFROM scratch\nEND OF\n",
            "FROM configs\nRUN cat 0<<-E\\OF >/x\nFROM scratch\n\tEOF\n",
            "# escape=\\\nFROM configs",
            "FROM configs\n# escape=`\nRUN x",
            "FROM configs\nRUN echo \"\\\n# no end \\\nFROM scratch\"",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_only_the_build_knows_is_left_to_it() {
        for text in [
            "FROM ${BASE}",
            "ARG BASE=configs\nFROM $BASE",
            "FROM \"configs\"",
            "FROM 2",
            "FROM",
            "FROM configs\nRUN <<EOF\nFROM x",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_last_stage_of_another_image_is_named_with_its_line() {
        for (text, says) in [
            ("FROM alpine:3.18\nRUN x", "\"alpine:3.18\" (FROM in line 1)"),
            ("RUN x\n\nfrom scratch\nCOPY --from=configs / /", "\"scratch\" (FROM in line 3)"),
            ("FROM configs AS a\nFROM extract", "\"extract\" (FROM in line 2)"),
            ("FROM extensions AS e", "\"extensions\" (FROM in line 1)"),
            ("FROM a.test/x AS tools\nFROM tools", "\"tools\" (FROM in line 2)"),
            ("FROM alpine AS configs\nFROM configs", "\"configs\" (FROM in line 2)"),
            (
                "FROM --platform=linux/arm64 \\\n  registry.test/os:1 AS final",
                "\"registry.test/os:1\" (FROM in line 1)",
            ),
            ("RUN cat <<EOF\nFROM configs\nEOF\nFROM ubi9", "\"ubi9\" (FROM in line 4)"),
            ("FROM alpine\r\nRUN x\r\n", "\"alpine\" (FROM in line 1)"),
            ("RUN echo $((1<<2))\nFROM alpine", "\"alpine\" (FROM in line 2)"),
            ("RUN bash -c 'cat <<EOF'\nFROM alpine\nEOF", "\"alpine\" (FROM in line 2)"),
            ("RUN cat<<EOF\nFROM alpine\nEOF", "\"alpine\" (FROM in line 2)"),
            ("RUN cat << EOF\nFROM alpine\nEOF", "\"alpine\" (FROM in line 2)"),
            ("RUN wc <<< x\nFROM alpine\nx", "\"alpine\" (FROM in line 2)"),
            ("RUN it's <<EOF\nFROM alpine\nEOF", "\"alpine\" (FROM in line 2)"),
            ("ENV X=1 <<EOF\nFROM alpine\nEOF", "\"alpine\" (FROM in line 2)"),
        ] {
            assert!(problem(text).contains(says), "{text}: {}", problem(text));
        }
    }

    #[test]
    fn characters_that_editors_leave_are_refused_with_their_line() {
        for (text, says) in [
            ("\u{feff}FROM configs", "a byte order mark in line 1"),
            ("FROM configs\n\u{feff}RUN x", "a byte order mark in line 2"),
            ("\u{fffe}FROM configs", "a byte order mark in line 1"),
            ("F\0R\0O\0M\0", "a NUL character in line 1"),
        ] {
            assert!(problem(text).contains(says), "{text}: {}", problem(text));
        }
        for text in ["FROM configs\r\nRUN x", "RUN printf 'a\tb\u{1b}[0m'", "# naïve 😀 \u{a0}"] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_no_build_reads_as_it_looks_is_refused_with_its_line() {
        for (text, says) in [
            ("\u{200b}FROM configs", "line 1 has the character U+200B"),
            ("FROM configs\n\u{2060}RUN x", "line 2 has the character U+2060"),
            ("FROM\u{a0}configs\nRUN x", "line 1 has the character U+00A0"),
            ("FROM configs\nRU\u{200d}N x", "line 2 has the character U+200D"),
            ("# escape=`\nFROM configs\nRUN a `\n b", "the directive escape in line 1"),
            ("# syntax=docker/dockerfile:1\n#Escape = `\nFROM alpine", "the directive escape in line 2"),
        ] {
            assert!(problem(text).contains(says), "{text}: {}", problem(text));
        }
        for text in ["RUN echo \u{200b}", "RUN cat <<EOF\n\u{200b}x\nEOF", "# \u{200b}\nFROM configs"] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }
}
