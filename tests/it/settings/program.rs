//! The program, started with settings from anywhere.

use std::fs;
use std::path::Path;
use std::process::Command;

use machine_os_builder::settings::{FLAGS, flag_of, variable};
use machine_os_builder::yaml;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::processes::{Printed, machine_os_builder, run};

const INPUTS: [&str; 4] = ["pool.yaml", "rendered-machineconfig.yaml", "osimageurl.yaml", "build-config.yaml"];

/// Where a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    File,
    Variable,
    Flag,
}

pub(super) const SOURCES: [Source; 3] = [Source::File, Source::Variable, Source::Flag];

/// A directory, and the settings that a program started in it is given.
pub(super) struct Program {
    pub directory: TempDir,
    file: Option<String>,
    variables: Vec<(String, String)>,
    flags: Vec<String>,
}

impl Program {
    pub(super) fn new() -> Self {
        Self { directory: TempDir::new().unwrap(), file: None, variables: Vec::new(), flags: Vec::new() }
    }

    /// With this text as its file.
    pub(super) fn file(mut self, text: &str) -> Self {
        self.file = Some(text.to_owned());
        self
    }

    pub(super) fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    pub(super) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With one setting more.
    pub(super) fn with(self, source: Source, field: &str, value: &Value) -> Self {
        let flag = flag_of(field).unwrap_or_else(|| panic!("{field} has no flag"));
        // JSON is YAML, too.
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match source {
            Source::File => self.file(&nested(field, value).to_string()),
            Source::Variable => self.variable(&variable(flag), &text),
            Source::Flag => self.flag(&format!("--{flag}={text}")),
        }
    }

    pub(super) fn run(&self, subcommand: &str, arguments: &[&str]) -> Printed {
        let mut command = machine_os_builder(subcommand);
        command.args(arguments).args(&self.flags).env("HOME", self.directory.path());
        without_settings(&mut command);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(text) = &self.file {
            fs::write(self.directory.path().join("settings.yaml"), text).unwrap();
            command.arg("--config=settings.yaml");
        }
        run(command.current_dir(self.directory.path()), self.directory.path())
    }

    /// The settings that `run` would go by.
    pub(super) fn effective(&self) -> Value {
        let printed = self.run("run", &["--print-config"]);
        assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""), "{printed:?}");
        yaml::parse(&printed.stdout).unwrap().remove(0)
    }

    /// Why `run` does not start.
    pub(super) fn refusal(&self, code: i32) -> String {
        let printed = self.run("run", &["--print-config"]);
        assert_eq!((printed.code, printed.stdout.as_str()), (Some(code), ""), "{printed:?}");
        printed.stderr
    }

    /// The build object that `render` makes.
    pub(super) fn rendered(&self, builder: &str) -> Value {
        for name in INPUTS {
            let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
            let text = fs::read_to_string(fixtures.join(name)).unwrap();
            let text =
                text.replace("  finalImagePullspec", &format!("  imageBuilderType: {builder}\n  finalImagePullspec"));
            fs::write(self.directory.path().join(name), text).unwrap();
        }
        let printed = self.run("render", &INPUTS);
        assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""), "{printed:?}");
        yaml::parse(&printed.stdout).unwrap().pop().unwrap()
    }
}

/// Takes what the machine says out of a program's environment.
fn without_settings(command: &mut Command) {
    for (_, flag) in FLAGS {
        command.env_remove(variable(flag));
    }
    command.env_remove("MACHINE_OS_BUILDER_CONFIG").env_remove("MACHINE_OS_BUILDER_KUBECONFIG");
}

/// A file with one field.
pub(super) fn nested(field: &str, value: &Value) -> Value {
    field.rsplit('.').fold(value.clone(), |inner, name| json!({name: inner}))
}

/// The JSON pointer of a field.
pub(super) fn pointer(field: &str) -> String {
    format!("/{}", field.replace('.', "/"))
}
