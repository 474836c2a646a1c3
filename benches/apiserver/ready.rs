//! The time from the start of a server to its first answer.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use divan::Bencher;
use machine_os_builder::apiserver::Identity;
use tempfile::TempDir;

use crate::world::{CONFIG_MAPS, WAYS, Way, World, get, options};

/// A server, its runtime, a client, and an empty list. The certificate is there before.
#[divan::bench(args = WAYS, sample_size = 1)]
fn first_answer(bencher: Bencher, way: Way) {
    let new = || Identity::generate().unwrap();
    bencher.with_inputs(new).bench_local_values(|identity| {
        let world = World::new(way, options(), &identity);
        world.ask(get(CONFIG_MAPS));
        world
    });
}

/// The certificate.
#[divan::bench(sample_size = 1)]
fn identity() -> Identity {
    Identity::generate().unwrap()
}

/// A process that is ended with its value.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program, from its start until it says that it is ready: a certificate, a simulated node and a kubeconfig go with
/// the server.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn local_cluster(bencher: Bencher) {
    let directory = TempDir::new().unwrap();
    let kubeconfig = directory.path().join("kubeconfig");
    bencher.bench_local(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_machine-os-builder"));
        command.args(["local-cluster", "--kubeconfig"]).arg(&kubeconfig).stdout(Stdio::piped());
        let mut program = Program(command.spawn().unwrap());
        let mut line = String::new();
        BufReader::new(program.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("ready: "), "{line}");
        program
    });
}
