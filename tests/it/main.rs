//! The tests, but for those that have to be alone: one module for each topic, all in one program.
//!
//! Tests run beside each other. So each has a cluster, a directory and free ports of its own, and none changes what all
//! share: environment variables, the current directory, hooks. The one subscriber to what is logged, of `watches`,
//! is for all of them, and keeps what each thread logs apart.
//!
//! `cargo test --test it contract::` runs one topic. What has to be alone is a program of its own: `logs` has a
//! subscriber for each test, `real_load` measures, and `mutants` compiles the program once more.

mod actors;
mod admission;
mod apiserver;
mod build;
mod conformance;
mod contract;
mod crash;
mod decide;
mod documents;
mod forged;
mod fuzz;
mod harness;
mod house;
mod inspect;
mod invariants;
mod kept;
mod least_privilege;
mod local_cluster;
mod main_job;
mod metrics;
mod real;
mod render;
mod replicas;
mod run;
mod scenarios;
mod scripts;
mod settings;
mod simulate;
mod status;
mod trace;
mod watches;
