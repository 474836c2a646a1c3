//! The mutants: each brings back one way in which such systems have failed.

/// A deliberate defect.
pub struct Mutant {
    /// Its name, by which it is switched on.
    pub name: &'static str,
    /// The lessons that it forgets, as they are counted in `tests/it/contract/mod.rs`.
    pub lessons: &'static str,
    /// The scenario in which it is searched for.
    pub scenario: &'static str,
    /// Where it is, and what is there instead.
    pub edits: &'static [Edit],
}

/// One place of a mutant.
pub struct Edit {
    /// The file, from the root of the repository.
    pub file: &'static str,
    /// The original: an expression that occurs once in the file.
    pub original: &'static str,
    /// The replacement while the mutant is switched on. If it contains `@on`, it is compiled in unconditionally, and
    /// `@on` is whether the mutant is switched on.
    pub mutated: &'static str,
}

/// Most faults at once.
const CHAOS: &str = "chaos";
/// Defects that `chaos` masks, because its faults make the daemon reconcile again.
const QUIET: &str = "tests/mutants/quiet.yaml";
/// Defects for which `chaos` leaves too little time.
const GAPS: &str = "tests/mutants/gaps.yaml";

pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "delete-before-publish",
        lessons: "L19",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/decide/track_build.rs",
            original: "publish(observed, pool, build, digest)",
            mutated: "observed.deletion(observed.builds.iter().copied().find(|made| made.uid() == build.uid()))
                .or_else(|| publish(observed, pool, build, digest))",
        }],
    },
    Mutant {
        name: "success-before-clean-up",
        lessons: "L19, L23",
        scenario: CHAOS,
        edits: &[
            Edit {
                file: "src/reconcile/decide/report_outcome.rs",
                original: "observed.deletions(observed.made())",
                mutated: "Vec::new()",
            },
            Edit {
                file: "src/reconcile/decide/report_outcome.rs",
                original: "effect.or_else(|| held::emit(observed, pool))",
                mutated: "effect.or_else(|| if @on { observed.deletion(observed.made()) } else { None }).or_else(|| held::emit(observed, pool))",
            },
        ],
    },
    Mutant {
        name: "no-supersede",
        lessons: "L05",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/decide/reconcile_opted_in.rs",
            original: "supersede(observed, pool, hash, is_stale)",
            mutated: "Vec::new()",
        }],
    },
    Mutant {
        name: "identity-by-name",
        lessons: "L06, L26",
        scenario: CHAOS,
        edits: &[
            Edit {
                file: "src/reconcile/decide/reconcile_opted_in.rs",
                original: "!observed.is_claimed(made, hash) && !is_digest_of_running(observed, made, hash)",
                mutated: "crate::api::names::rendered_of(&made.key.name) != Some(pool.rendered())",
            },
            Edit {
                file: "src/reconcile/decide/observed.rs",
                original: "self.is_claimed(build, hash) && !build.is_being_deleted()",
                mutated: "names::rendered_of(&build.key.name) == self.pool.as_ref().map(|pool| pool.rendered())
                    && !build.is_being_deleted()",
            },
            Edit {
                file: "src/reconcile/decide/track_build.rs",
                original: "build.hash()",
                mutated: "match &observed.wanted {
                    crate::reconcile::inputs::request::Wanted::Known(request) => Some(request.hash.as_str()),
                    _ => build.hash(),
                }",
            },
            Edit {
                file: "src/reconcile/decide/track_build.rs",
                original: "build.inputs()",
                mutated: "match &observed.wanted {
                    crate::reconcile::inputs::request::Wanted::Known(request) => Some(request.inputs.clone()),
                    _ => build.inputs(),
                }",
            },
        ],
    },
    Mutant {
        name: "lost-edge",
        lessons: "L02, L04",
        scenario: QUIET,
        edits: &[Edit {
            file: "src/reconcile/machine/mod.rs",
            original: "self.in_step(Vec::new(), None, Some(left))",
            mutated: "self.in_step(Vec::new(), None, None)",
        }],
    },
    Mutant {
        name: "clean-up-gives-up",
        lessons: "L07, L20",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/actors/build.rs",
            original: "self.context.cluster.delete(deletion).await",
            mutated: "{
                let gone = Change::Gone(deletion.key.clone(), Some(deletion.uid.clone()));
                Ok(self.context.cluster.delete(deletion).await.unwrap_or(gone))
            }",
        }],
    },
    Mutant {
        name: "clean-up-by-names-of-today",
        lessons: "L25",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/decide/observed.rs",
            original: "self.builds.iter().chain(&self.config_maps).copied()",
            mutated: "self.builds.iter().chain(&self.config_maps).copied().filter(|made| {
                !@on || names::rendered_of(&made.key.name) == self.pool.as_ref().map(|pool| pool.rendered())
            })",
        }],
    },
    Mutant {
        name: "opt-out-leaves-builds-alone",
        lessons: "L07, L08",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/decide/clean_up.rs",
            original: "observed.deletions(observed.made())",
            mutated: "observed.deletions(observed.made().filter(|made| !made.key.kind.is_build_object()))",
        }],
    },
    Mutant {
        name: "deleted-pool-is-forgotten",
        lessons: "L09",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/decide/mod.rs",
            original: "clean_up::decide(&observed, pool.as_ref())",
            mutated: "match pool {
                None => Decision::idle(Demand::None),
                Some(pool) => clean_up::decide(&observed, Some(pool)),
            }",
        }],
    },
    Mutant {
        name: "relist-is-no-replacement",
        lessons: "L10",
        scenario: GAPS,
        edits: &[Edit {
            file: "src/reconcile/observed/index.rs",
            original: "scope.covers(key) && !present.contains(key) && !written.contains(key)",
            mutated: "{
                let _ = (&present, &written, key);
                false
            }",
        }],
    },
    Mutant {
        name: "two-conditions-true",
        lessons: "L11",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/pool/conditions.rs",
            original: r#"upsert(&mut conditions, type_, "False", None, now)"#,
            mutated: "()",
        }],
    },
    Mutant {
        name: "failure-of-any-config-counts",
        lessons: "L12",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/pool/record.rs",
            original: "self.failed.as_ref().filter(|failed| failed.hash == hash)",
            mutated: "{
                let _ = hash;
                self.failed.as_ref()
            }",
        }],
    },
    Mutant {
        name: "loss-is-failure",
        lessons: "L14",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/decide/track_build.rs",
            original: "record_loss(observed, pool, build, &attempt, loss)",
            mutated: "record_failure(observed, pool, build, &attempt, loss)",
        }],
    },
    Mutant {
        name: "no-deadline",
        lessons: "L15",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/decide/track_build.rs",
            original: "observed.pending_deadline(&attempt, build) <= observed.inputs.now",
            mutated: "false",
        }],
    },
    Mutant {
        name: "conditions-of-others-dropped",
        lessons: "L16",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/pool/conditions.rs",
            original: "let message = bounded_message(&shown.message);",
            mutated: "let message = bounded_message(&shown.message);
    if @on {
        conditions.retain(|condition| {
            let type_ = field(condition, \"type\");
            BUILD_CONDITIONS.contains(&type_) || type_ == DEGRADED
        });
    }",
        }],
    },
    Mutant {
        name: "whole-pool-written",
        lessons: "L16, L22",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/pool/patch.rs",
            original: "Some(json_patch::Patch(tests))",
            mutated: "{
                let whole = |path: &[&str]| {
                    let path = pointer(path);
                    let value = self.patched.pointer(path.as_str())?.clone();
                    Some(PatchOperation::Add(AddOperation { path, value }))
                };
                let parts: [&[&str]; 4] =
                    [&[\"metadata\", \"labels\"], &[\"metadata\", \"annotations\"], &[\"spec\"], &[\"status\"]];
                Some(json_patch::Patch(parts.into_iter().filter_map(whole).collect()))
            }",
        }],
    },
    Mutant {
        name: "patch-without-tests",
        lessons: "L22",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/pool/patch.rs",
            original: "tests.extend(changes)",
            mutated: "tests = changes",
        }],
    },
    Mutant {
        name: "degraded-again",
        lessons: "L18",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/decide/report_outcome.rs",
            original: r#"pool.shown().is_some_and(|c| field(c, "type") == shown.type_ && field(c, "reason") == shown.reason)"#,
            mutated: "false",
        }],
    },
    Mutant {
        name: "degradation-of-others-ignored",
        lessons: "L03",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/decide/start.rs",
            original: "!observed.record.rebuild && pool.blocked_by().is_some()",
            mutated: "false",
        }],
    },
    Mutant {
        name: "images-are-no-inputs",
        lessons: "L34",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/inputs/build_inputs.rs",
            original: r#"("baseImage", Some(self.base_image.as_str()))"#,
            mutated: r#"("baseImage", None)"#,
        }],
    },
    Mutant {
        name: "deposed-goes-on",
        lessons: "L36",
        scenario: CHAOS,
        edits: &[
            Edit {
                file: "src/cluster/lease/fence.rs",
                original: "(!left.is_zero()).then_some(left.min(limit))",
                mutated: "Some(limit)",
            },
            Edit {
                file: "src/daemon/replica.rs",
                original: "tenure.lost()",
                mutated: "async {
                    tenure.lost().await;
                    if @on {
                        std::future::pending::<()>().await;
                    }
                }",
            },
        ],
    },
    Mutant {
        name: "no-slots",
        lessons: "L39",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/slots.rs",
            original: "if self.limit == 0 { usize::MAX } else { self.limit.saturating_sub(taken) }",
            mutated: "usize::MAX - taken",
        }],
    },
    Mutant {
        name: "decided-before-the-first-lists",
        lessons: "L46",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/observed/index.rs",
            original: "scopes.into_iter().all(|scope| self.listed.contains(scope))",
            mutated: "{
                let _ = scopes;
                true
            }",
        }],
    },
    Mutant {
        name: "typo-degrades-all",
        lessons: "L48",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/decide/reconcile_opted_in.rs",
            original: "with_fault(observed, pool, fault)",
            mutated: "report_outcome::faulty(observed, pool, fault)",
        }],
    },
    Mutant {
        name: "never-by-force",
        lessons: "L49",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/decide/build_object.rs",
            original: "self.object.metadata.deletion_grace_period_seconds == Some(0)",
            mutated: "true",
        }],
    },
    Mutant {
        // `tests/it/forged.rs` tests that the daemon ignores a digest that none of its builds left: pods that push by
        // themselves need no ConfigMap to say what they pushed.
        name: "digest-left-behind",
        lessons: "L50",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/decide/observed.rs",
            original: "made.is_for(self.inputs.pool) || (made.key.kind == Kind::ConfigMap && is_digest)",
            mutated: "!made.key.name.starts_with(&names::digest(\"\")) && made.is_for(self.inputs.pool)",
        }],
    },
    Mutant {
        name: "status-before-spec",
        lessons: "L23",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/decide/track_build.rs",
            original: "patches::refer(pool, Some(build.reference())).or_else(|| {
        let shown = ConditionUpdate { type_, reason: reason.to_owned(), message };
        patches::show(observed, pool, &shown, Degraded::Clear, Some(build.reference()))
    })",
            mutated: "{
                let shown = ConditionUpdate { type_, reason: reason.to_owned(), message };
                patches::show(observed, pool, &shown, Degraded::Clear, Some(build.reference()))
                    .or_else(|| patches::refer(pool, Some(build.reference())))
            }",
        }],
    },
    Mutant {
        name: "cause-of-a-loss-dropped",
        lessons: "L14, L43",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/pool/record.rs",
            original: "cut(brief, LOST_CAUSE_BYTES_MAX)",
            mutated: "String::new()",
        }],
    },
    Mutant {
        name: "rejection-is-failure",
        lessons: "L14",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/objects/pod/classify.rs",
            original: "BuildStatus::Lost(taken(reason, message))",
            mutated: "BuildStatus::Failed(taken(reason, message))",
        }],
    },
    Mutant {
        name: "refusal-is-silent",
        lessons: "L43",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/machine/answer.rs",
            original: "self.refusals.failed(&Answered { write, object, beside, sent }, failure, &self.jitter, now)",
            mutated: "None",
        }],
    },
    Mutant {
        name: "refusal-is-for-ever",
        lessons: "L02",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/decide/report_refusal.rs",
            original: "refusal.retry_at > observed.inputs.now",
            mutated: "true",
        }],
    },
    Mutant {
        name: "bad-input-of-failed-pool-is-silent",
        lessons: "L43",
        scenario: CHAOS,
        edits: &[Edit {
            file: "src/reconcile/decide/reconcile_opted_in.rs",
            original: "report_outcome::faulty(observed, pool, fault)",
            mutated: "match failed {
                Some(failed) => report_outcome::failed(observed, pool, failed),
                None => report_outcome::faulty(observed, pool, fault),
            }",
        }],
    },
];
