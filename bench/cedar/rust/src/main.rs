// What `cedar bench` measures, of the official Rust implementation: the same arguments, the same figures.
//
//   cedar-bench --policies FILE [--schema FILE] [--entities FILE] --requests FILE [--decisions FILE] [--seconds N]

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request, Schema, ValidationMode, Validator};
use std::collections::HashMap;
use std::str::FromStr;
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options: HashMap<String, String> = arguments.chunks(2).map(|pair| (pair[0].trim_start_matches('-').to_string(), pair[1].clone())).collect();
    let read = |name: &str| options.get(name).map(|file| std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{file}: {e}")));
    let seconds: f64 = options.get("seconds").map_or(2.0, |s| s.parse().unwrap());

    let mut load = serde_json::Map::new();
    // The best of a few: what a quiet machine would need.
    macro_rules! timed {
        ($name:expr, $what:expr) => {{
            let mut best = f64::INFINITY;
            let mut result = None;
            let begin = Instant::now();
            for _ in 0..20 {
                let one = Instant::now();
                result = Some($what);
                best = best.min(one.elapsed().as_secs_f64());
                if begin.elapsed().as_secs_f64() > seconds { break; }
            }
            load.insert($name.to_string(), (best * 1000.0).into());
            result.unwrap()
        }};
    }

    let policy_text = read("policies").expect("--policies");
    let policies = timed!("policies_ms", PolicySet::from_str(&policy_text).unwrap());
    let schema = read("schema").map(|text| {
        let is_json = options["schema"].ends_with(".json");
        timed!("schema_ms", if is_json { Schema::from_json_str(&text).unwrap() } else { Schema::from_cedarschema_str(&text).unwrap().0 })
    });
    if let Some(schema) = &schema {
        let validator = Validator::new(schema.clone());
        timed!("validate_ms", validator.validate(&policies, ValidationMode::Strict).validation_passed());
    }
    let entities = match read("entities") {
        None => Entities::empty(),
        Some(text) => timed!("entities_ms", Entities::from_json_str(&text, schema.as_ref()).unwrap()),
    };

    let documents: Vec<serde_json::Value> = serde_json::from_str(&read("requests").expect("--requests")).unwrap();
    let uid = |value: &serde_json::Value| EntityUid::from_json(value.clone()).unwrap();
    let requests: Vec<Request> = documents
        .iter()
        .map(|document| {
            let action = uid(&document["action"]);
            let context = Context::from_json_value(document["context"].clone(), schema.as_ref().map(|s| (s, &action))).unwrap();
            Request::new(uid(&document["principal"]), action, uid(&document["resource"]), context, None).unwrap()
        })
        .collect();
    let authorizer = Authorizer::new();

    if let Some(file) = options.get("decisions") {
        let mut out = String::new();
        for request in &requests {
            let answer = authorizer.is_authorized(request, &policies, &entities);
            let mut reason: Vec<String> = answer.diagnostics().reason().map(|id| id.to_string()).collect();
            let mut errors: Vec<String> = answer
                .diagnostics()
                .errors()
                .map(|error| match error {
                    cedar_policy::AuthorizationError::PolicyEvaluationError(e) => e.policy_id().to_string(),
                })
                .collect();
            reason.sort();
            errors.sort();
            let decision = if answer.decision() == Decision::Allow { "allow" } else { "deny" };
            out += &serde_json::json!({"decision": decision, "reason": reason, "errors": errors}).to_string();
            out.push('\n');
        }
        std::fs::write(file, out).unwrap();
    }

    // Warm, then one decision a sample until the time is over.
    let mut samples: Vec<u64> = Vec::new();
    let mut passes: Vec<f64> = Vec::new();
    for phase in [0.1, 1.0] {
        samples.clear();
        passes.clear();
        let begin = Instant::now();
        while passes.is_empty() || begin.elapsed().as_secs_f64() < seconds * phase {
            let pass = Instant::now();
            for request in &requests {
                let one = Instant::now();
                std::hint::black_box(authorizer.is_authorized(request, &policies, &entities));
                samples.push(one.elapsed().as_nanos() as u64);
                if begin.elapsed().as_secs_f64() > 20.0 * seconds { break; }
            }
            passes.push(pass.elapsed().as_secs_f64());
        }
    }
    samples.sort_unstable();
    let at = |share: f64| samples[((samples.len() - 1) as f64 * share) as usize];
    println!(
        "{}",
        serde_json::json!({"engine": "rust", "policies": policies.policies().count(), "requests": requests.len(), "load": load,
            "full": {"min_ns": samples[0], "median_ns": at(0.5), "p90_ns": at(0.9), "p99_ns": at(0.99), "samples": samples.len()}})
    );
}
