//! The mutants: each brings back one way in which such systems have failed.

/// A deliberate defect.
pub(crate) struct Mutant {
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
pub(crate) struct Edit {
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

const fn mutant(name: &'static str, lessons: &'static str, scenario: &'static str) -> Mutant {
    Mutant { name, lessons, scenario, edits: &[] }
}

impl Mutant {
    const fn by(self, edits: &'static [Edit]) -> Self {
        Self { edits, ..self }
    }
}

const fn edit(file: &'static str, original: &'static str, mutated: &'static str) -> Edit {
    Edit { file, original, mutated }
}

pub(crate) const MUTANTS: &[Mutant] = &[
    mutant("delete-before-publish", "L19", CHAOS).by(&[edit(
        "src/reconcile/decide/track_build.rs",
        "publish(observed, pool, build, digest)",
        "observed.deletion(observed.builds.iter().copied().find(|made| made.uid() == build.uid()))
                .or_else(|| publish(observed, pool, build, digest))",
    )]),
    mutant("success-before-clean-up", "L19, L23", CHAOS).by(&[
        edit("src/reconcile/decide/report_outcome.rs", "observed.deletions(observed.made())", "Vec::new()"),
        edit(
            "src/reconcile/decide/report_outcome.rs",
            "effect.or_else(|| held::emit(observed, pool))",
            "effect.or_else(|| if @on { observed.deletion(observed.made()) } else { None }) \
                    .or_else(|| held::emit(observed, pool))",
        ),
    ]),
    mutant("no-supersede", "L05", CHAOS).by(&[edit(
        "src/reconcile/decide/reconcile_opted_in.rs",
        "supersede(observed, pool, hash, is_stale)",
        "Vec::new()",
    )]),
    mutant("identity-by-name", "L06, L26", CHAOS).by(&[
        edit(
            "src/reconcile/decide/reconcile_opted_in.rs",
            "!observed.is_claimed(made, hash) && !is_digest_of_running(observed, made, hash)",
            "crate::api::names::rendered_of(&made.key.name) != Some(pool.rendered())",
        ),
        edit(
            "src/reconcile/decide/observed.rs",
            "self.is_claimed(build, hash) && !build.is_being_deleted()",
            "names::rendered_of(&build.key.name) == self.pool.as_ref().map(|pool| pool.rendered())
                    && !build.is_being_deleted()",
        ),
        edit(
            "src/reconcile/decide/track_build.rs",
            "build.hash()",
            "match &observed.wanted {
                    crate::reconcile::inputs::request::Wanted::Known(request) => Some(request.hash.as_str()),
                    _ => build.hash(),
                }",
        ),
        edit(
            "src/reconcile/decide/track_build.rs",
            "build.inputs()",
            "match &observed.wanted {
                    crate::reconcile::inputs::request::Wanted::Known(request) => Some(request.inputs.clone()),
                    _ => build.inputs(),
                }",
        ),
    ]),
    mutant("lost-edge", "L02, L04", QUIET).by(&[edit(
        "src/reconcile/machine/mod.rs",
        "self.in_step(Vec::new(), None, Some(left))",
        "self.in_step(Vec::new(), None, None)",
    )]),
    mutant("clean-up-gives-up", "L07, L20", CHAOS).by(&[edit(
        "src/actors/build.rs",
        "self.context.cluster.delete(deletion).await",
        "{
                let gone = Change::Gone(deletion.key.clone(), Some(deletion.uid.clone()));
                Ok(self.context.cluster.delete(deletion).await.unwrap_or(gone))
            }",
    )]),
    mutant("clean-up-by-names-of-today", "L25", CHAOS).by(&[edit(
        "src/reconcile/decide/observed.rs",
        "self.builds.iter().chain(&self.config_maps).copied()",
        "self.builds.iter().chain(&self.config_maps).copied().filter(|made| {
                !@on || names::rendered_of(&made.key.name) == self.pool.as_ref().map(|pool| pool.rendered())
            })",
    )]),
    mutant("opt-out-leaves-builds-alone", "L07, L08", CHAOS).by(&[edit(
        "src/reconcile/decide/clean_up.rs",
        "observed.deletions(observed.made())",
        "observed.deletions(observed.made().filter(|made| !made.key.kind.is_build_object()))",
    )]),
    mutant("deleted-pool-is-forgotten", "L09", CHAOS).by(&[edit(
        "src/reconcile/decide/mod.rs",
        "clean_up::decide(&observed, pool.as_ref())",
        "match pool {
                None => Decision::idle(crate::reconcile::slots::Demand::None),
                Some(pool) => clean_up::decide(&observed, Some(pool)),
            }",
    )]),
    mutant("relist-is-no-replacement", "L10", GAPS).by(&[edit(
        "src/reconcile/observed/index.rs",
        "scope.covers(key) && !present.contains(key) && !written.contains(key)",
        "{
                let _ = (&present, &written, key);
                false
            }",
    )]),
    mutant("two-conditions-true", "L11", CHAOS).by(&[edit(
        "src/reconcile/pool/conditions.rs",
        r#"upsert(&mut conditions, type_, "False", None, now)"#,
        "()",
    )]),
    mutant("failure-of-any-config-counts", "L12", CHAOS).by(&[edit(
        "src/reconcile/pool/record.rs",
        "self.failed.as_ref().filter(|failed| failed.hash == hash)",
        "{
                let _ = hash;
                self.failed.as_ref()
            }",
    )]),
    mutant("loss-is-failure", "L14", CHAOS).by(&[edit(
        "src/reconcile/decide/track_build.rs",
        "record_loss(observed, pool, build, &attempt, loss)",
        "record_failure(observed, pool, build, &attempt, loss)",
    )]),
    mutant("no-deadline", "L15", CHAOS).by(&[edit(
        "src/reconcile/decide/track_build.rs",
        "observed.pending_deadline(&attempt, build) <= observed.inputs.now",
        "false",
    )]),
    mutant("conditions-of-others-dropped", "L16", CHAOS).by(&[edit(
        "src/reconcile/pool/conditions.rs",
        "let message = bounded_message(&shown.message);",
        "let message = bounded_message(&shown.message);
    if @on {
        conditions.retain(|condition| {
            let type_ = field(condition, \"type\");
            BUILD_CONDITIONS.contains(&type_) || type_ == DEGRADED
        });
    }",
    )]),
    mutant("whole-pool-written", "L16, L22", CHAOS).by(&[edit(
        "src/reconcile/pool/patch.rs",
        "Some(json_patch::Patch(tests))",
        "{
                let whole = |path: &[&str]| {
                    let path = pointer(path);
                    let value = self.patched.pointer(path.as_str())?.clone();
                    Some(PatchOperation::Add(AddOperation { path, value }))
                };
                let parts: [&[&str]; 4] =
                    [&[\"metadata\", \"labels\"], &[\"metadata\", \"annotations\"], &[\"spec\"], &[\"status\"]];
                Some(json_patch::Patch(parts.into_iter().filter_map(whole).collect()))
            }",
    )]),
    mutant("patch-without-tests", "L22", CHAOS).by(&[edit(
        "src/reconcile/pool/patch.rs",
        "tests.extend(changes)",
        "tests = changes",
    )]),
    mutant("degraded-again", "L18", CHAOS).by(&[edit(
        "src/reconcile/decide/report_outcome.rs",
        r#"pool.shown().is_some_and(|c| field(c, "type") == shown.type_ && field(c, "reason") == shown.reason)"#,
        "false",
    )]),
    mutant("degradation-of-others-ignored", "L03", CHAOS).by(&[edit(
        "src/reconcile/decide/start.rs",
        "!observed.record.rebuild && pool.blocked_by().is_some()",
        "false",
    )]),
    mutant("images-are-no-inputs", "L34", CHAOS).by(&[edit(
        "src/reconcile/inputs/build_inputs.rs",
        r#"("baseImage", Some(self.base_image.as_str()))"#,
        r#"("baseImage", None)"#,
    )]),
    mutant("deposed-goes-on", "L36", CHAOS).by(&[
        edit("src/cluster/lease/fence.rs", "(!left.is_zero()).then_some(left.min(limit))", "Some(limit)"),
        edit(
            "src/daemon/replica.rs",
            "tenure.lost()",
            "async {
                    tenure.lost().await;
                    if @on {
                        std::future::pending::<()>().await;
                    }
                }",
        ),
    ]),
    mutant("no-slots", "L39", CHAOS).by(&[edit(
        "src/reconcile/slots.rs",
        "if self.limit == 0 { usize::MAX } else { self.limit.saturating_sub(taken) }",
        "usize::MAX - taken",
    )]),
    mutant("decided-before-the-first-lists", "L46", CHAOS).by(&[edit(
        "src/reconcile/observed/index.rs",
        "scopes.into_iter().all(|scope| self.listed.contains(scope))",
        "{
                let _ = scopes;
                true
            }",
    )]),
    mutant("typo-degrades-all", "L48", CHAOS).by(&[edit(
        "src/reconcile/decide/reconcile_opted_in.rs",
        "with_fault(observed, pool, fault)",
        "report_outcome::faulty(observed, pool, fault)",
    )]),
    mutant("never-by-force", "L49", CHAOS).by(&[edit(
        "src/reconcile/decide/build_object.rs",
        "self.object.metadata.deletion_grace_period_seconds == Some(0)",
        "true",
    )]),
    // `tests/it/forged.rs` tests that the daemon ignores a digest that none of its builds left: pods that push by
    // themselves need no ConfigMap to say what they pushed.
    mutant("digest-left-behind", "L50", CHAOS).by(&[edit(
        "src/reconcile/decide/observed.rs",
        "made.is_for(self.inputs.pool) || (made.key.kind == Kind::ConfigMap && is_digest)",
        "!made.key.name.starts_with(&names::digest(\"\")) && made.is_for(self.inputs.pool)",
    )]),
    mutant("status-before-spec", "L23", CHAOS).by(&[edit(
        "src/reconcile/decide/track_build.rs",
        "patches::refer(pool, Some(build.reference())).or_else(|| {
        let shown = ConditionUpdate { type_, reason: reason.to_owned(), message };
        patches::show(observed, pool, &shown, Degraded::Clear, Some(build.reference()))
    })",
        "{
                let shown = ConditionUpdate { type_, reason: reason.to_owned(), message };
                patches::show(observed, pool, &shown, Degraded::Clear, Some(build.reference()))
                    .or_else(|| patches::refer(pool, Some(build.reference())))
            }",
    )]),
    mutant("cause-of-a-loss-dropped", "L14, L43", CHAOS).by(&[edit(
        "src/reconcile/pool/record.rs",
        "cut(brief, LOST_CAUSE_BYTES_MAX)",
        "String::new()",
    )]),
    mutant("rejection-is-failure", "L14", CHAOS).by(&[edit(
        "src/reconcile/objects/pod/classify.rs",
        "BuildStatus::Lost(taken(reason, message))",
        "BuildStatus::Failed(taken(reason, message))",
    )]),
    mutant("refusal-is-silent", "L43", CHAOS).by(&[edit(
        "src/reconcile/machine/answer.rs",
        "self.refusals.failed(&Answered { write, object, beside, sent }, failure, &self.jitter, now)",
        "None",
    )]),
    mutant("refusal-is-for-ever", "L02", CHAOS).by(&[edit(
        "src/reconcile/decide/report_refusal.rs",
        "refusal.retry_at > observed.inputs.now",
        "true",
    )]),
    mutant("bad-input-of-failed-pool-is-silent", "L43", CHAOS).by(&[edit(
        "src/reconcile/decide/reconcile_opted_in.rs",
        "report_outcome::faulty(observed, pool, fault)",
        "match failed {
                Some(failed) => report_outcome::failed(observed, pool, failed),
                None => report_outcome::faulty(observed, pool, fault),
            }",
    )]),
];
